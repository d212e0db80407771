"""Commands as several processes: every video once, and what one process would have found, to the bit."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch
from started_together import iic_together
from torch import nn

from iic_ptv.cli.main import main
from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.loaders import evaluation_loader
from iic_ptv.data.procedural import write_videos
from iic_ptv.evaluation.feature_file import read_features
from iic_ptv.runs.build import build_evaluation_clips, build_network, build_views
from iic_ptv.runs.checkpoint import load_classifier, read_checkpoint
from iic_ptv.runs.recognition.videos import recognition_videos
from iic_ptv.tasks.recognition import RecognitionTask

SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("MODEL.OPTIONS.width", "0.0625", "TRAINER.ACCELERATOR", "cpu", "EVAL.NUM_CLIPS", "2"),
]


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    """A folder with a gallery of nine videos and a file that is none, and with two queries."""
    rendered = write_videos(
        tmp_path_factory.mktemp("rendered"),
        motions=("bounce", "translate_left"),
        train_per_class=5,
        test_per_class=1,
        num_frames=8,
        size=16,
        progress=False,
    )
    folder = tmp_path_factory.mktemp("videos")
    for part in ("train", "test"):
        for line in (rendered / f"splits/{part}list01.txt").read_text().splitlines():
            name = line.split()[0]
            (folder / part / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(rendered / "videos" / name, folder / part / name)
    broken = sorted((folder / "train").glob("*/*.mp4"))[4]
    broken.write_text("no video")
    return folder


def metrics_of(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text())


def files_of(folder: Path) -> dict[str, bytes]:
    """What a command leaves that must not depend on who ran it."""
    names = ("metrics.json", "gallery.safetensors", "query.safetensors", "predictions.csv")
    return {name: (folder / name).read_bytes() for name in names if (folder / name).exists()}


@pytest.mark.parametrize(
    ("command", "processes"), [("retrieve", 2), ("probe", 3), pytest.param("probe", 11, marks=pytest.mark.slow)]
)
def test_scores_and_features_are_those_of_one_process(command, processes, videos, tmp_path, monkeypatch) -> None:
    """Of two queries, and even of ten gallery videos, there may be none left for a process."""
    options = ["--gallery", videos / "train", "--query", videos / "test", "--save-features"]
    arguments = [command, *options, *SMALL, "DATA.MAX_BAD_SHARE", "0.2", "PROBE.SHOTS", "[1]", "EVAL.BATCH_SIZE", "2"]
    ended = iic_together(*arguments, processes=processes, folder=tmp_path / "several")
    assert not any(each.returncode for each in ended), ended
    (tmp_path / "one").mkdir()
    monkeypatch.setenv("IIC_RUN_FOLDER", str(tmp_path / "one"))
    main([*map(str, arguments)])

    files = files_of(tmp_path / "one")
    assert files.keys() == {"metrics.json", "gallery.safetensors", "query.safetensors"}
    assert files_of(tmp_path / "several") == files
    names = read_features(tmp_path / "several/gallery.safetensors").views["rgb"].names
    assert (len(names), len(set(names))) == (9, 9)
    with (tmp_path / "several/bad_videos.csv").open() as file:
        assert [row["path"] for row in csv.DictReader(file)] == [str(sorted((videos / "train").glob("*/*"))[4])]
    assert ended[0].stdout.count("report:") == ended[0].stdout.count("run folder:") == 1
    assert not any(each.stdout for each in ended[1:])
    assert len(list((tmp_path / "several").glob("versions*.json"))) == 1


def test_what_ends_one_process_ends_all_and_is_told_once(videos, tmp_path) -> None:
    sides = ["--gallery", videos / "train", "--query", videos / "test"]
    ended = iic_together("retrieve", *sides, *SMALL, processes=3, folder=tmp_path / "run")
    assert [each.returncode for each in ended] == [2, 2, 2]
    told = "".join(line for each in ended for line in each.stderr.splitlines() if line.startswith("iic:"))
    assert told.count("1 of 12 videos could not be read") == 1
    assert "iic: 1 of 12" in ended[0].stderr
    assert not any("Traceback" in each.stderr for each in ended)


def test_an_index_is_that_of_one_process(videos, tmp_path) -> None:
    arguments = ["index", videos / "train", "--untrained", "--every", "0.1", *SMALL]
    ended = iic_together(*arguments, "-o", tmp_path / "several.index", processes=3, folder=tmp_path / "run")
    assert not any(each.returncode for each in ended), ended
    main([*map(str, arguments), "-o", str(tmp_path / "one.index")])
    assert (tmp_path / "several.index").read_bytes() == (tmp_path / "one.index").read_bytes()
    table = (tmp_path / "several.index.unreadable.csv").read_text()
    assert table == (tmp_path / "one.index.unreadable.csv").read_text()
    assert len(table.splitlines()) == 2
    assert "clips of 9 videos; 9 new or changed, 0 as before, 0 gone" in ended[0].stdout
    assert not any(each.stdout for each in ended[1:])
    assert not list(tmp_path.glob(".*"))


def finetune(videos: Path, folder: Path, *options: str) -> Path:
    """Train and test by three processes."""
    lists = ["--train", videos / "train", "--test", videos / "test"]
    training = ["OPTIM.EPOCHS", "2", "OPTIM.BATCH_SIZE", "3", "OPTIM.LR", "0.05", "DATA.MAX_BAD_SHARE", "0.2"]
    ended = iic_together("finetune", *lists, *SMALL, *training, *options, processes=3, folder=folder)
    assert not any(each.returncode for each in ended), ended
    return folder


@pytest.fixture(scope="module")
def finetuned(videos, tmp_path_factory) -> Path:
    """A run in which one of the processes has none of the two videos of the validation."""
    return finetune(videos, tmp_path_factory.mktemp("finetuned") / "run", "RECOGNITION.VALIDATION_VIDEOS", "2")


@pytest.fixture(scope="module")
def not_validated(videos, tmp_path_factory) -> Path:
    options = ["RECOGNITION.VALIDATION_VIDEOS", "0", "OPTIM.SCHEDULE", "constant"]
    return finetune(videos, tmp_path_factory.mktemp("not_validated") / "run", *options)


@pytest.mark.parametrize("run", ["finetuned", pytest.param("not_validated", marks=pytest.mark.slow)])
def test_a_test_is_that_of_one_process(run, request, tmp_path) -> None:
    """The network that three processes have trained and tested is tested again by one."""
    folder = request.getfixturevalue(run)
    main(["finetune", "--checkpoint", str(folder), "--test-only", "OUTPUT", str(tmp_path)])
    (again,) = (tmp_path / "finetune").iterdir()
    assert (again / "predictions.csv").read_bytes() == (folder / "predictions.csv").read_bytes()
    assert metrics_of(again)["test"] == metrics_of(folder)["test"]
    assert metrics_of(folder)["test"]["videos"] == 2


def test_a_test_alone_is_shared_too(finetuned, tmp_path) -> None:
    ended = iic_together("finetune", "--checkpoint", finetuned, "--test-only", processes=3, folder=tmp_path / "run")
    assert not any(each.returncode for each in ended), ended
    assert (tmp_path / "run/predictions.csv").read_bytes() == (finetuned / "predictions.csv").read_bytes()
    assert not any(each.stdout for each in ended[1:])


def test_a_validation_counts_every_video_once(finetuned) -> None:
    """By the network of the best epoch, as it was saved."""
    checkpoint = read_checkpoint(finetuned)
    cfg = checkpoint.config
    held_out = recognition_videos(cfg, finetuned, resumed=True).validation
    network = build_network(cfg, num_classes=2)
    load_classifier(network, checkpoint)
    clips, transform = build_evaluation_clips(cfg, held_out, cfg.VIEWS, BadVideoLog(), cfg.RECOGNITION.VALIDATION_CLIPS)
    batch = transform(next(iter(evaluation_loader(clips, batch_size=9))))
    task = RecognitionTask(network, nn.CrossEntropyLoss(), None, view=build_views(cfg.VIEWS)[0]).eval()
    with torch.no_grad():
        expected = nn.functional.cross_entropy(task(batch), batch["label"])
    found = metrics_of(finetuned)["validation"]
    assert found["videos"] == len(held_out) == 2
    assert found["loss"] == pytest.approx(expected.item(), rel=1e-5)
