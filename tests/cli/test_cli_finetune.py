"""``iic finetune`` as a user runs it."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from commands import Command, iic, iic_anew

from iic_ptv.cli.main import main
from iic_ptv.data.procedural import write_videos

SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("MODEL.OPTIONS.width", "0.0625", "LOSS.NUM_NEGATIVES", "4"),
]
SHORT = ["OPTIM.BATCH_SIZE", "4", "OPTIM.EPOCHS", "2", "TRAINER.ACCELERATOR", "cpu", "EVAL.NUM_CLIPS", "2"]


def run_folder(result: subprocess.CompletedProcess, cwd: Path) -> Path:
    assert result.returncode == 0, result.stdout + result.stderr
    return cwd / re.search(r"run folder: (\S+)", result.stdout)[1]


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    return write_videos(
        tmp_path_factory.mktemp("videos"),
        motions=("translate_left", "spin_clockwise"),
        train_per_class=6,
        test_per_class=2,
        num_frames=8,
        size=16,
        progress=False,
    )


@pytest.fixture(scope="module")
def chain(videos, tmp_path_factory) -> tuple[Path, Path, str]:
    """A pre-training and a fine-tuning that is told nothing but the test list; what the latter printed."""
    cwd = tmp_path_factory.mktemp("chain")
    lists = ("DATA.LISTS", videos / "splits/trainlist01.txt")
    pretrained = run_folder(iic("pretrain", "--data", videos / "videos", *lists, *SMALL, *SHORT, cwd=cwd), cwd)
    result = iic("finetune", "--checkpoint", pretrained, "--test", videos / "splits/testlist01.txt", *SHORT, cwd=cwd)
    assert result.stderr == ""
    return pretrained, run_folder(result, cwd), result.stdout


def test_pretrain_then_finetune_needs_no_word_about_network_and_clips(chain) -> None:
    _, folder, printed = chain
    assert folder.name.endswith("r3d-residual_unscaled-repeat-4x16-seed0")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (metrics["train"]["videos"], metrics["validation"]["videos"], metrics["test"]["videos"]) == (10, 2, 4)
    assert f"{100 * metrics['test']['top1']:.1f}" in printed
    assert all(word in printed for word in ("top-1", "top-5", "chance", "50.0", "predictions.csv", "report.html"))
    assert "on 2 videos held out of the training (at most a fifth; RECOGNITION.VALIDATION_VIDEOS is 800)" in printed
    assert {"best.ckpt", "last.ckpt", "previous.ckpt"} == {path.name for path in (folder / "checkpoints").iterdir()}


def test_a_finetuned_network_is_tested_alone_and_retrieves(chain, videos, tmp_path, monkeypatch, capsys) -> None:
    _, finetuned, _ = chain
    monkeypatch.chdir(tmp_path)
    main(["finetune", "--checkpoint", str(finetuned), "--test-only"])
    (folder,) = Path("runs/finetune").iterdir()
    assert folder.name.endswith("-test")
    first, second = (json.loads((each / "metrics.json").read_text()) for each in (finetuned, folder))
    assert first["test"] == second["test"]
    assert (finetuned / "predictions.csv").read_bytes() == (folder / "predictions.csv").read_bytes()

    main(["retrieve", "--checkpoint", str(finetuned), "--query", str(videos / "splits/testlist01.txt")])
    assert "residual_unscaled" in capsys.readouterr().out


def test_ctrl_c_leaves_a_checkpoint_and_resume_goes_on(videos, tmp_path) -> None:
    lists = ["--train", videos / "splits/trainlist01.txt", "--test", videos / "splits/testlist01.txt"]
    options = [*SMALL, *SHORT, "OPTIM.EPOCHS", "100000"]
    command = Command("finetune", "--data", videos / "videos", *lists, *options, cwd=tmp_path)
    while not list(tmp_path.glob("runs/finetune/*/checkpoints/last.ckpt")):  # until the first epoch is over
        assert command.running, command.err
    command.interrupt()
    result = command.ended()
    assert result.returncode == 130, result.stderr
    (folder,) = tmp_path.glob("runs/finetune/*")
    assert f"iic finetune --resume {folder.relative_to(tmp_path)}" in result.stdout
    assert "Traceback" not in result.stderr

    step = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)["global_step"]
    steps_per_epoch = 3  # 10 videos in batches of 4 at most
    epochs = step // steps_per_epoch + 2
    assert iic("finetune", "--resume", folder, "OPTIM.EPOCHS", epochs, cwd=tmp_path).returncode == 0
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["train"]["steps"] == epochs * steps_per_epoch
    assert (folder / "report.html").exists()


@pytest.mark.slow
def test_two_devices_make_one_run(videos, tmp_path) -> None:
    lists = ["--train", videos / "splits/trainlist01.txt", "--test", videos / "splits/testlist01.txt"]
    options = [*SMALL, *SHORT, "OPTIM.BATCH_SIZE", "3", "TRAINER.DEVICES", "2", "OPTIM.EPOCHS", "2"]
    result = iic_anew("finetune", "--data", videos / "videos", *lists, *options, cwd=tmp_path)
    folder = run_folder(result, tmp_path)
    assert result.stdout.count("run folder:") == result.stdout.count("report:") == 1
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["train"]["steps"] == 2 * 2  # ten videos, three on each of two devices
    assert (metrics["validation"]["videos"], metrics["test"]["videos"]) == (2, 4)
    assert metrics["validation"]["top1"] in (0, 0.5, 1)  # of both videos, one of which each device has


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--test-only"], "--test-only: name the fine-tuned network to test with --checkpoint"),
        (["--checkpoint", "PRETRAINED", "--test-only", "--test", "VIDEOS"], "this network has no classifier yet"),
        (["--checkpoint", "PRETRAINED"], "EVAL.QUERY: name the videos to test on"),
        (["--checkpoint", "PRETRAINED", "--test", "VIDEOS"], "12 of the 16 test videos are trained on as well"),
        (["--checkpoint", "PRETRAINED", "--test", "juggling"], "are of classes that the network does not know"),
        (["--checkpoint", "FINETUNED", "--test-only", "--test", "juggling"], "juggle. It knows translate_left, spin"),
        (["--checkpoint", "FINETUNED", "--test-only", "--test", "no_videos"], "no video files"),
        (["--checkpoint", "nowhere"], "nowhere: there is no such checkpoint"),
        (["--checkpoint", "words.pth"], "words.pth: not a readable checkpoint"),
        (["--checkpoint", "PRETRAINED", "MODEL.BACKBONE", "c3d", "--test", "TESTLIST"], "its network is another one"),
        (["--resume", "PRETRAINED"], "was written by iic pretrain, so `iic finetune` cannot resume it"),
        (["--resume", "FINETUNED"], "this run is complete, with 6 steps"),
        (["--resume", "FINETUNED", "VIEWS", "rgb"], "VIEWS cannot change within a run"),
        (["--resume", "FINETUNED", "--test", "x", "--config", "y"], "leave --config, --test out"),
        (["--resume", "FINETUNED/checkpoints/best.ckpt"], "a run goes on from its last checkpoint"),
        (["--data", "VIDEOS", "--train", "none.txt", "--test", "TESTLIST"], "none.txt"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_answered_with_one_message(
    arguments, message, chain, videos, tmp_path, monkeypatch, capsys
) -> None:
    pretrained, finetuned, _ = chain
    shutil.copytree(videos / "videos/spin_clockwise", tmp_path / "juggling/juggle")
    (tmp_path / "no_videos").mkdir()
    (tmp_path / "words.pth").write_text("words")
    places = {
        "PRETRAINED": pretrained,
        "FINETUNED": finetuned,
        "VIDEOS": videos / "videos",
        "TESTLIST": videos / "splits/testlist01.txt",
    }
    before = {path: path.read_bytes() for path in finetuned.rglob("*") if path.is_file()}
    for name, place in places.items():
        arguments = [argument.replace(name, str(place)) for argument in arguments]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        main(["finetune", *arguments])
    out, err = capsys.readouterr()
    told = err.replace("\n", " ")
    assert "run folder" not in out
    assert told.startswith("iic: ")
    assert message in told
    assert {path: path.read_bytes() for path in finetuned.rglob("*") if path.is_file()} == before


def test_a_finetuning_is_no_pretraining_to_resume(chain, capsys) -> None:
    _, finetuned, _ = chain
    with pytest.raises(SystemExit, match="2"):
        main(["pretrain", "--resume", str(finetuned)])
    assert "was written by iic finetune, so `iic pretrain` cannot resume it" in capsys.readouterr().err
