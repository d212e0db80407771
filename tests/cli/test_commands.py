"""The commands as a user runs them: real processes, real files, and one clear message for every mistake."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from commands import Command, iic, iic_anew
from numbered_videos import write_numbered_video

from iic_ptv.data.procedural import write_videos

SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("MODEL.OPTIONS.width", "0.0625", "LOSS.NUM_NEGATIVES", "4", "OPTIM.BATCH_SIZE", "4", "OPTIM.EPOCHS", "2"),
    *("TRAINER.ACCELERATOR", "cpu", "EVAL.NUM_CLIPS", "2"),
]


def message_of(result: subprocess.CompletedProcess) -> str:
    """The one message of a command that refused, checked to be no traceback."""
    assert result.returncode == 2, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.strip().splitlines()[-1].startswith(("iic: ", "iic"))
    return result.stderr


def run_folder(result: subprocess.CompletedProcess, cwd: Path) -> Path:
    found = re.search(r"run folder: (\S+)", result.stdout)
    assert found, result.stdout + result.stderr
    return cwd / found[1]


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    return write_videos(
        tmp_path_factory.mktemp("videos"),
        motions=("translate_left", "spin_clockwise", "bounce"),
        train_per_class=4,
        test_per_class=2,
        num_frames=8,
        size=16,
        progress=False,
    )


@pytest.fixture(scope="module")
def trained(videos, tmp_path_factory) -> Path:
    """A run folder of ``iic pretrain``, two levels below its ``runs``."""
    cwd = tmp_path_factory.mktemp("trained")
    lists = ("DATA.LISTS", videos / "splits/trainlist01.txt")
    result = iic("pretrain", "--data", videos / "videos", *lists, *SMALL, cwd=cwd)
    assert result.returncode == 0, result.stderr
    return run_folder(result, cwd)


def test_pretrain_then_retrieve(videos, trained, tmp_path) -> None:
    assert {"config.yaml", "versions.json", "metrics.json", "logs", "checkpoints"} <= {
        f.name for f in trained.iterdir()
    }
    result = iic("retrieve", "--checkpoint", trained, "--query", videos / "splits/testlist01.txt", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "top-1" in result.stdout
    (metrics,) = (tmp_path / "runs/retrieve").glob("*/metrics.json")
    scores = json.loads(metrics.read_text())
    assert (scores["gallery_videos"], scores["query_videos"]) == (12, 6)
    assert {"rgb", "residual", "joint", "chance"} <= scores.keys()
    assert scores["chance"]["top1"] == pytest.approx(1 / 3, abs=1e-3)
    assert 0 <= scores["joint"]["top1"] <= scores["joint"]["top5"] <= 1


def test_retrieval_with_an_untrained_network_between_folders(videos, tmp_path) -> None:
    folders = videos / "videos"
    result = iic("retrieve", "--gallery", folders, "--query", folders, *SMALL, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    (metrics,) = (tmp_path / "runs/retrieve").glob("*-untrained/metrics.json")
    assert json.loads(metrics.read_text())["joint"]["top1"] == 1  # every video finds itself


def test_an_unlabelled_folder_with_broken_videos_trains_and_names_them(videos, bad_files, tmp_path) -> None:
    folder = tmp_path / "disk"
    shutil.copytree(videos / "videos/bounce", folder / "deep/er")
    for fault in ("text", "empty", "truncated", "sound"):
        shutil.copy(bad_files[fault], folder / f"{fault}.mp4")
    write_numbered_video(folder / "three_frames.mp4", 3)  # shorter than a clip: it is looped
    result = iic("pretrain", "--data", folder, *SMALL, "DATA.MAX_BAD_SHARE", "0.5", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "4 of 11 videos could not be read" in result.stdout
    bad = (run_folder(result, tmp_path) / "bad_videos.csv").read_text()
    assert all(f"{fault}.mp4" in bad for fault in ("text", "empty", "truncated", "sound"))


def test_a_collection_that_is_too_broken_ends_the_run_with_one_message(videos, bad_files, tmp_path) -> None:
    folder = tmp_path / "disk"
    shutil.copytree(videos / "videos/bounce", folder)
    shutil.copy(bad_files["text"], folder)
    result = iic("pretrain", "--data", folder, *SMALL, cwd=tmp_path)
    message = message_of(result).replace("\n", " ")
    assert "1 of 7 videos could not be read" in message
    assert "text.mp4. That is 14% of them; DATA.MAX_BAD_SHARE allows 5%" in message


def test_what_check_data_finds_bad_is_left_out(videos, bad_files, tmp_path) -> None:
    folder = tmp_path / "disk"
    shutil.copytree(videos / "videos/bounce", folder / "bounce")
    shutil.copy(bad_files["text"], folder / "bounce")
    assert iic("check-data", folder, cwd=tmp_path).returncode == 1
    result = iic("pretrain", "--data", folder, *SMALL, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "1 video that a check found unreadable is left out" in result.stdout
    metrics = json.loads((run_folder(result, tmp_path) / "metrics.json").read_text())
    assert (metrics["videos"], metrics["bad_videos"]) == (6, 0)

    result = iic("retrieve", "--checkpoint", run_folder(result, tmp_path), "--query", folder, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "1 video that a check found unreadable is left out" in result.stdout


def test_retrieval_does_not_search_with_the_videos_that_it_searches_in(videos, tmp_path) -> None:
    options = ("DATA.KIND", "kinetics", "DATA.ROOT", videos / "videos")  # no folder of a validation part
    assert "no part called val apart from" in message_of(iic("retrieve", *options, *SMALL, cwd=tmp_path))


def test_ctrl_c_leaves_a_checkpoint_and_resume_goes_on(videos, tmp_path) -> None:
    command = Command("pretrain", "--data", videos / "videos", *SMALL, "OPTIM.EPOCHS", "100000", cwd=tmp_path)
    while not list(tmp_path.glob("runs/pretrain/*/checkpoints/last.ckpt")):  # until the first epoch is over
        assert command.running, command.err
    command.interrupt()
    result = command.ended()
    assert result.returncode == 130, result.stderr
    folder = run_folder(result, tmp_path)
    assert f"iic pretrain --resume {folder.relative_to(tmp_path)}" in result.stdout
    assert "Traceback" not in result.stderr

    step = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)["global_step"]
    steps_per_epoch = 5  # 18 videos in batches of 4 at most
    result = iic("pretrain", "--resume", folder, "OPTIM.EPOCHS", step // steps_per_epoch + 2, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["steps"] == (step // steps_per_epoch + 2) * steps_per_epoch


@pytest.mark.slow
def test_two_devices_make_one_run_of_as_many_steps_as_one_device(videos, tmp_path) -> None:
    """Two gloo processes of batch 3 are launched by the first, share its folder, and step as one of batch 6 does."""
    steps = []
    for devices, batch_size in (("1", "6"), ("2", "3")):
        options = [*SMALL, "TRAINER.DEVICES", devices, "OPTIM.BATCH_SIZE", batch_size, "LOSS.FILL_BANKS", "True"]
        result = iic_anew("pretrain", "--data", videos / "videos", *options, "NAME", devices, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert result.stdout.count("run folder:") == 1
        (folder,) = (tmp_path / "runs/pretrain").glob(f"*-{devices}")
        steps.append(json.loads((folder / "metrics.json").read_text())["steps"])
    assert steps == [6, 6]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pretrain"], "name the folder of the videos"),
        (["pretrain", "--data", "nowhere"], "nowhere"),
        (["pretrain", "--data", "empty"], "no video files"),
        (["pretrain", "--data", "broken", *SMALL], "could be read"),
        (["pretrain", "--config", "none.yaml"], "none.yaml: there is no such configuration file"),
        (["pretrain", "--config", "typo.yaml"], "typo.yaml: there is no option OPTIM.EPOCH. Did you mean OPTIM.EPOCHS"),
        (["pretrain", "OPTIM.EPOCH", "3"], "no option OPTIM.EPOCH. Did you mean OPTIM.EPOCHS"),
        (["pretrain", "--data", "VIDEOS", "MODEL.BACKBONE", "resnet"], "BACKBONES: there is no 'resnet'"),
        (["pretrain", "--data", "VIDEOS", "DATA.LISTS", "list.txt"], "2 of the 3 listed videos are not under"),
        (["pretrain", "--resume", "TRAINED", "MODEL.BACKBONE", "c3d"], "MODEL.BACKBONE cannot change within a run"),
        (["pretrain", "--resume", "TRAINED", "OPTIM.LR", "0.5"], "OPTIM.LR cannot change within a run"),
        (["pretrain", "--resume", "TRAINED"], "this run is complete, with 6 steps"),
        (["pretrain", "--resume", "nowhere"], "nowhere: there is no such checkpoint"),
        (["retrieve", "--checkpoint", "TRAINED"], "EVAL.QUERY: name the videos to search with"),
        (["retrieve", "--checkpoint", "TRAINED", "--query", "nowhere"], "nowhere: there is no such list or folder"),
        (["retrieve", "--query", "list.txt"], "--data FOLDER"),
        (["retrieve", "--checkpoint", "text.ckpt", "--query", "VIDEOS"], "text.ckpt: not a readable checkpoint"),
        (
            ["retrieve", "--checkpoint", "TRAINED", "--query", "VIDEOS", "MODEL.BACKBONE", "c3d"],
            "The run was of MODEL.BACKBONE r3d",
        ),
        (["quickstart", "OPTIM.EPOCH", "1"], "no option OPTIM.EPOCH"),
        (["render", "out", "--motions", "teleport"], "there is no 'teleport'"),
        (["render", "text.ckpt/videos"], "cannot be written to"),
        (["pretrian"], "invalid choice: 'pretrian'"),
        (["pretrain", "--dta", "x"], "unrecognized arguments: --dta"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_answered_with_one_message_and_leaves_nothing(
    arguments, message, videos, trained, bad_files, tmp_path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    for fault in ("text", "truncated"):
        shutil.copy(bad_files[fault], tmp_path / "broken" / f"{fault}.mp4")
    (tmp_path / "typo.yaml").write_text("OPTIM: {EPOCH: 3}\n")
    (tmp_path / "text.ckpt").write_text("words")
    names = sorted(path.relative_to(videos / "videos").as_posix() for path in (videos / "videos/bounce").iterdir())
    (tmp_path / "list.txt").write_text(f"{names[0]} 1\nbounce/none.mp4 1\nbounce/nil.mp4 1\n")
    (tmp_path / "classInd.txt").write_text("1 bounce\n")
    before = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}

    places = {"VIDEOS": str(videos / "videos"), "TRAINED": str(trained)}
    result = iic(*[places.get(argument, argument) for argument in arguments], cwd=tmp_path)
    assert message in message_of(result).replace("\n", " ")
    assert {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()} == before
    assert not list((tmp_path / "runs").glob("pretrain/*/metrics.json"))


def test_names_with_brackets_are_shown_whole(videos, tmp_path) -> None:
    folder = tmp_path / "disk"
    shutil.copytree(videos / "videos/bounce", folder)
    (folder / "A clip [dQw4w9WgXcQ].mp4").write_text("no video")
    result = iic("pretrain", "--data", folder, *SMALL, "DATA.MAX_BAD_SHARE", "1", cwd=tmp_path)
    assert "A clip [dQw4w9WgXcQ].mp4" in result.stdout


def test_videos_beside_a_folder_of_videos_are_all_taken(videos, tmp_path) -> None:
    folder = tmp_path / "disk"
    shutil.copytree(videos / "videos/bounce", folder)
    shutil.copytree(videos / "videos/spin_clockwise", folder / "samples")
    result = iic("pretrain", "--data", folder, *SMALL, "OPTIM.EPOCHS", "1", cwd=tmp_path)
    assert json.loads((run_folder(result, tmp_path) / "metrics.json").read_text())["videos"] == 12


def test_the_command_line_starts_without_torch() -> None:
    code = "import sys, iic_ptv.cli.main; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_help_lists_the_commands_and_version() -> None:
    result = iic("--help", cwd=Path.cwd())
    assert result.returncode == 0
    assert all(command in result.stdout for command in ("quickstart", "pretrain", "retrieve", "render"))
    assert iic("--version", cwd=Path.cwd()).stdout.startswith("iic_ptv ")
