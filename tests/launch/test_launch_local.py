"""Launching on this machine, where every part of it but SLURM is real."""

from pathlib import Path

import pytest
import yaml
from launching import SMALL, differences, iic, launch, logs, wait_for_the_end, wait_until, write_small_videos

from iic_ptv.launch.record import log_of, read_record
from iic_ptv.runs.checkpoint import read_checkpoint


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    return write_small_videos(tmp_path_factory.mktemp("rendered"))


def arguments(videos: Path, *more: str) -> list[str]:
    lists = str(videos / "splits/trainlist01.txt")
    return ["pretrain", "--data", str(videos / "videos"), *SMALL, "DATA.LISTS", lists, "OPTIM.EPOCHS", "2", *more]


@pytest.mark.slow
def test_a_run_of_two_processes_leaves_all_there_is_and_goes_on_with_one(videos, tmp_path) -> None:
    run = launch(
        "--cluster", "local", "--tasks-per-node", "2", *arguments(videos, "LOSS.BANKS", "sharded"), cwd=tmp_path
    )
    assert wait_for_the_end(run) == "finished", logs(run)
    record = read_record(run)
    assert record is not None
    assert (record.cluster, record.tasks) == ("local", 2)
    assert record.command.startswith("iic pretrain --data")
    assert all(log_of(run, record, rank).stat().st_size for rank in (0, 1))
    assert "$ iic pretrain" in log_of(run, record).read_text()
    assert {"code", "config.yaml", "versions.json", "metrics.json", "report.html"} <= {f.name for f in run.iterdir()}
    assert read_checkpoint(run).step == 2 * 8  # 32 videos, two processes, two clips each

    launch("--cluster", "local", "pretrain", "--resume", str(run), "OPTIM.EPOCHS", "3", cwd=tmp_path)
    assert wait_for_the_end(run) == "finished", logs(run)
    assert (run / "code-2").is_dir()
    assert read_checkpoint(run).step == 3 * 16
    assert "Begun on 2 and going on with 1 processes" in logs(run)


def test_a_mistake_in_the_job_ends_with_its_message(videos, tmp_path) -> None:
    run = launch("--cluster", "local", *arguments(videos, "DATA.CROP", "32"), cwd=tmp_path)
    assert wait_for_the_end(run) == "failed"
    wait_until(lambda: "iic: " in logs(run))
    assert "cannot cut 32 x 32 out of frames of 16 x 16" in logs(run)
    assert "Traceback" not in logs(run)


def test_the_debug_cluster_is_this_process(videos, tmp_path) -> None:
    printed = iic("pretrain", "--slurm", "--cluster", "debug", *arguments(videos)[1:], cwd=tmp_path)
    (run,) = (tmp_path / "runs" / "pretrain").iterdir()
    assert f"run folder: runs/pretrain/{run.name}" in printed
    assert (run / "metrics.json").is_file()
    alone = iic(*arguments(videos), "OUTPUT", "alone", cwd=tmp_path)
    assert "run folder: " in alone
    assert differences(run, next((tmp_path / "alone" / "pretrain").iterdir())) == []


def test_a_dry_run_shows_and_makes_nothing(videos, tmp_path) -> None:
    printed = iic("launch", "--cluster", "local", "--dry-run", *arguments(videos), cwd=tmp_path)
    assert "submitit.core._submit" in printed
    _, _, config = printed.partition("# configuration\n")
    assert yaml.safe_load(config)["OPTIM"]["EPOCHS"] == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["launch"], "name a command to launch, one of pretrain"),
        (["launch", "search", "x"], "name a command to launch, one of pretrain"),
        (["launch", "pretrain"], "DATA.ROOT: name the folder of the videos"),
        (["launch", "--nodes", "2", "--cluster", "local", "pretrain", "--data", "."], "--nodes 2: --cluster local is"),
        (["launch", "--param", "foo=1", "pretrain", "--data", "."], "--param: expected slurm_NAME=VALUE"),
        (["launch", "--param", "slurm_foo=1", "pretrain", "--data", "."], "slurm_foo: submitit has no such parameter"),
        (["pretrain", "--data", ".", "--nodes", "2"], "--nodes: this is an option of a job; add --slurm"),
        (["launch", "pretrain", "--data", ".", "MODEL.BACKBONE", "r3"], "Did you mean r3d"),
        (["launch", "pretrain", "--data", ".", "OPTIM.EPOCH", "3"], "there is no option OPTIM.EPOCH"),
    ],
)
def test_mistakes_are_told_before_anything_is_submitted(words, message, tmp_path, capsys, monkeypatch) -> None:
    from iic_ptv.cli.main import main

    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
