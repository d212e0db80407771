"""The table of a sweep, from folders that are made by hand."""

import csv
import json
import re
import statistics
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock
from parsed_page import Page
from rich.console import Console

from iic_ptv.errors import InputError
from iic_ptv.launch.record import JobRecord, write_record
from iic_ptv.launch.sweep.file import read_sweep
from iic_ptv.launch.sweep.record import write_sweep_record
from iic_ptv.launch.sweep.table import CSV, LOCK, MARKDOWN, PAGE, update_table
from iic_ptv.launch.sweep.terminal import say_tables
from iic_ptv.runs.status import FAILED, QUEUED, RUNNING, tell_status

SWEEP = """
grid: {MODEL.BACKBONE: [r3d, c3d], SEED: [0, 1, 2]}
evaluate: {retrieve: , probe: , ucf: {command: finetune}}
"""
R3D_TOP1 = [0.5, 0.6, 0.75]


def finish(member: Path, top1: float, views: tuple[str, ...] = ("rgb", "residual", "joint")) -> None:
    """Leave what a member leaves that has ended well; the last of the views has these figures, others lower ones."""
    figures = {view: top1 - 0.1 * (len(views) - 1 - number) for number, view in enumerate(views)}
    contents = {
        "": {"train/loss": 2.5, "clips_per_second": 80.0, "seconds": 5400, "epochs": 3},
        "retrieve": {
            "chance": {"top1": 0.9, "top5": 0.9},
            **{view: {"top1": value, "top5": value + 0.2, "map": value - 0.05} for view, value in figures.items()},
            "untrained": {view: {"top1": 0.99, "top5": 0.99, "map": 0.99} for view in views},
            "per_class": {"a": {"top1": 1.0}},
        },
        "probe": {
            "chance": 0.5,
            **{view: {"knn_top1": value, "linear_top1": value + 0.1} for view, value in figures.items()},
            "untrained": {view: {"knn_top1": 0.99, "linear_top1": 0.99} for view in views},
        },
        "ucf": {"test": {"top1": 0.8}, "chance": {"top1": 0.9}, "validation": {"top1": 0.95}},
    }
    for step, content in contents.items():
        (member / step).mkdir(parents=True, exist_ok=True)
        (member / step / "metrics.json").write_text(json.dumps(content))


def submit(member: Path, job_id: str, state: str, message: str = "") -> None:
    member.mkdir(parents=True, exist_ok=True)
    write_record(member, JobRecord(job_id, "local", "../../job", 1, "iic pretrain", "2026-01-01T00:00:00+00:00"))
    tell_status(member, state=state, message=message)


@pytest.fixture
def sweep(tmp_path) -> Path:
    """A sweep with four members that are finished, one that failed, and one that runs."""
    (tmp_path / "mine.yaml").write_text(SWEEP)
    folder = tmp_path / "runs"
    folder.mkdir()
    write_sweep_record(folder, read_sweep(tmp_path / "mine.yaml"))
    members = folder / "members"
    for seed, top1 in enumerate(R3D_TOP1):
        finish(members / f"r3d-seed{seed}", top1)
    finish(members / "c3d-seed0", 0.4, views=("residual",))
    submit(members / "c3d-seed1", "4", FAILED, "DATA.CROP: too | large")
    submit(members / "c3d-seed2", "5", RUNNING)
    return folder


def read_csv(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / CSV).open() as file:
        return {row["member"]: row for row in csv.DictReader(file)}


def markdown_rows(folder: Path) -> list[list[str]]:
    lines = (folder / MARKDOWN).read_text().splitlines()
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines if line.startswith("|")]


def test_the_numbers_are_those_of_all_views_jointly_of_the_trained_network(sweep) -> None:
    update_table(sweep)
    rows = read_csv(sweep)
    assert list(rows) == [f"{network}-seed{seed}" for network in ("r3d", "c3d") for seed in range(3)]
    row = rows["r3d-seed2"]
    assert (row["MODEL.BACKBONE"], row["SEED"], row["state"]) == ("r3d", "2", "finished")
    measured = [
        *("retrieve.top1", "retrieve.top5", "retrieve.map", "probe.knn_top1", "probe.linear_top1", "ucf.top1"),
        *("loss", "clips_per_second", "seconds"),
    ]
    assert [float(row[key]) for key in measured] == pytest.approx([0.75, 0.95, 0.7, 0.75, 0.85, 0.8, 2.5, 80, 5400])
    assert float(rows["c3d-seed0"]["retrieve.top1"]) == pytest.approx(0.4)  # its only view
    assert rows["c3d-seed1"]["retrieve.top1"] == ""
    assert rows["c3d-seed1"]["message"] == "DATA.CROP: too | large"


def test_the_page_and_the_text_say_the_same_in_percent_and_hours(sweep) -> None:
    update_table(sweep)
    shown = ["r3d", "1", "finished", "60.0", "80.0", "55.0", "60.0", "70.0", "80.0", "2.500", "80.0", "1.50"]
    assert shown in markdown_rows(sweep)
    page = Page((sweep / PAGE).read_text())
    assert shown in page.rows
    assert ["c3d", "1", "failed", *"–" * 9] in page.rows
    assert ["c3d-seed1", "failed", "DATA.CROP: too | large"] in page.rows
    assert ["c3d-seed1", "failed", "DATA.CROP: too \\| large"] in markdown_rows(sweep)
    counts = next(text for text in page.texts if "members finished" in text)
    assert re.fullmatch(r"4 of 6 members finished, 1 failed, 1 running; \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \w+\.", counts)
    assert counts in (sweep / MARKDOWN).read_text()


def test_seeds_are_summarised_by_mean_and_deviation(sweep) -> None:
    update_table(sweep)
    mean, deviation = 100 * statistics.mean(R3D_TOP1), 100 * statistics.stdev(R3D_TOP1)
    summary = {row[0]: row for row in markdown_rows(sweep) if row[1].endswith("of 3")}
    assert summary["r3d"][1:3] == ["3 of 3", f"{mean:.1f} ± {deviation:.1f}"]
    assert summary["c3d"][1:3] == ["1 of 3", "40.0"]  # of one alone there is no deviation


def test_without_seeds_there_is_no_summary(tmp_path) -> None:
    (tmp_path / "mine.yaml").write_text("grid: {MODEL.BACKBONE: [r3d, c3d]}\n")
    write_sweep_record(tmp_path, read_sweep(tmp_path / "mine.yaml"))
    update_table(tmp_path)
    assert "seeds" not in (tmp_path / MARKDOWN).read_text()
    assert [row[1] for row in markdown_rows(tmp_path)[2:]] == ["new", "new"]


def test_a_member_whose_job_is_gone_is_lost(sweep) -> None:
    member = sweep / "members/c3d-seed2"
    # What submitit starts on this machine has these words in its command line.
    controller = [sys.executable, "-c", "input()", "submitit.local._local", str(sweep / "job")]
    with subprocess.Popen(controller, stdin=subprocess.PIPE) as process:
        submit(member, str(process.pid), RUNNING)
        assert state_and_reason(sweep, "c3d-seed2") == ("running", "")
        submit(member, str(process.pid), QUEUED)
        assert state_and_reason(sweep, "c3d-seed2") == ("pending", "")
        submit(member, str(process.pid), FAILED, "why not")
        assert state_and_reason(sweep, "c3d-seed2") == ("ending", "")  # or about to be tried again
        tell_status(member, state=RUNNING)
        process.communicate(b"\n")
    assert state_and_reason(sweep, "c3d-seed2") == ("lost", "its process has ended")
    submit(member, str(process.pid), FAILED, "why not")
    assert state_and_reason(sweep, "c3d-seed2") == ("failed", "why not")


def state_and_reason(sweep: Path, member: str) -> tuple[str, str]:
    update_table(sweep, cluster_is_asked=True)
    row = read_csv(sweep)[member]
    return row["state"], row["message"]


def test_a_member_with_a_part_of_its_results_shows_them_and_is_not_finished(sweep) -> None:
    (sweep / "members/r3d-seed0/ucf/metrics.json").unlink()
    update_table(sweep)
    row = read_csv(sweep)["r3d-seed0"]
    assert (row["state"], row["ucf.top1"], row["retrieve.top1"]) == ("new", "", "0.5")


def test_members_that_are_no_longer_in_the_grid_are_not_shown(sweep, tmp_path) -> None:
    (tmp_path / "mine.yaml").write_text(SWEEP.replace("r3d, ", "").replace("0, 1, 2", "0, 5"))
    write_sweep_record(sweep, read_sweep(tmp_path / "mine.yaml"))
    update_table(sweep)
    assert {name: row["state"] for name, row in read_csv(sweep).items()} == {
        "c3d-seed0": "finished",
        "c3d-seed5": "new",
    }
    assert (sweep / "members/r3d-seed0/metrics.json").is_file()


def test_the_folder_of_another_file_of_that_name_is_refused(sweep, tmp_path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/mine.yaml").write_text(SWEEP)
    with pytest.raises(InputError, match=r"is the folder of .*mine.yaml; give .*there/mine.yaml another name"):
        write_sweep_record(sweep, read_sweep(tmp_path / "there/mine.yaml"))


def test_whoever_reads_while_members_end_finds_whole_files(sweep) -> None:
    update_table(sweep)
    files = (CSV, MARKDOWN, PAGE)
    sizes = {name: (sweep / name).stat().st_size for name in files}
    writers = [threading.Thread(target=lambda: [update_table(sweep) for _ in range(5)]) for _ in range(3)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert {name: len((sweep / name).read_bytes()) for name in files} == sizes
    assert {file.name for file in sweep.iterdir() if "tmp" in file.name} == set()


def test_a_member_waits_for_the_one_that_is_writing(sweep, monkeypatch) -> None:
    update_table(sweep)
    before = (sweep / CSV).read_bytes()
    monkeypatch.setattr("iic_ptv.launch.sweep.table.PATIENCE", 0.05)
    finish(sweep / "members/c3d-seed1", 0.3)
    with FileLock(sweep / LOCK), pytest.raises(OSError, match="could not be acquired"):
        update_table(sweep)
    assert (sweep / CSV).read_bytes() == before
    update_table(sweep)
    assert read_csv(sweep)["c3d-seed1"]["state"] == "finished"


@pytest.mark.parametrize("width", [60, 80, 400])
def test_the_terminal_shows_every_number_however_narrow_it_is(sweep, monkeypatch, width) -> None:
    recorder = Console(width=width, record=True)
    monkeypatch.setattr("iic_ptv.launch.sweep.terminal.console", recorder)
    say_tables(update_table(sweep))
    printed = recorder.export_text()
    for number in ("75.0", "95.0", "70.0", "85.0", "61.7 ± 12.6", "2.500", "1.50"):
        assert number in printed
    assert max(map(len, printed.splitlines())) <= width
