"""What goes wrong around a pre-training: what its user sees, and that nothing from before is lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from iic_ptv.cli.main import main
from iic_ptv.data.procedural import write_videos
from iic_ptv.registry import VIEWS
from iic_ptv.runs.checkpoint import BANK_FILES, DAMAGED, LAST, PREVIOUS, read_checkpoint
from iic_ptv.runs.status import read_status
from iic_ptv.tasks.bank_files import banks_named_in

SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("MODEL.OPTIONS.width", "0.0625", "LOSS.NUM_NEGATIVES", "4", "TRAINER.LOG_EVERY", "1"),
    *("OPTIM.BATCH_SIZE", "4", "OPTIM.EPOCHS", "3", "TRAINER.ACCELERATOR", "cpu", "VIEWS", "[eventful, residual]"),
]
STEPS_PER_EPOCH = 2  # 8 videos


class EventfulView(nn.Module):
    """RGB, but something happens before given batches are looked at."""

    modality_key = "video"
    events: dict[int, object] = {}  # noqa: RUF012 - set by the tests
    seen = 0

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        if self.training and torch.is_grad_enabled():
            EventfulView.seen += 1
            if event := EventfulView.events.get(EventfulView.seen):
                event()  # type: ignore[operator]
        return clip


@pytest.fixture(autouse=True)
def eventful_view(monkeypatch) -> None:
    monkeypatch.setitem(VIEWS._obj_map, "eventful", EventfulView)
    monkeypatch.setattr(EventfulView, "events", {})
    monkeypatch.setattr(EventfulView, "seen", 0)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    motions = ("translate_left", "bounce")
    return write_videos(
        folder, motions=motions, train_per_class=4, test_per_class=0, num_frames=8, size=16, progress=False
    )


@pytest.fixture
def videos(rendered, tmp_path) -> Path:
    """A copy of its own."""
    shutil.copytree(rendered / "videos", tmp_path / "videos")
    return tmp_path / "videos"


def pretrain(videos: Path, output: Path, *more: str) -> Path:
    EventfulView.seen = 0
    main(["pretrain", "--data", str(videos), *SMALL, "OUTPUT", str(output), *more])
    return only_run(output)


def only_run(output: Path) -> Path:
    (run,) = (output / "pretrain").iterdir()
    return run


def interrupted_after(step: int, videos: Path, output: Path, *more: str) -> Path:
    EventfulView.events = {step: lambda: os.kill(os.getpid(), signal.SIGINT)}
    with pytest.raises(SystemExit) as stop:
        pretrain(videos, output, *more)
    assert stop.value.code == 130
    EventfulView.events = {}
    return only_run(output)


def states(run: Path) -> dict[str, object]:
    return torch.load(run / LAST, weights_only=True)["state_dict"]


def assert_same(one: dict[str, object], other: dict[str, object]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]) if isinstance(value, torch.Tensor) else value == other[name], name


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "gone"])
def test_a_damaged_last_checkpoint_falls_back_to_the_one_before(videos, tmp_path, caplog, damage) -> None:
    whole = pretrain(videos, tmp_path / "whole")
    run = interrupted_after(5, videos, tmp_path / "parts")
    last, good = run / LAST, (run / PREVIOUS).read_bytes()
    content = bytearray(last.read_bytes())
    if damage == "flipped":  # within the weights, where PyTorch would not notice
        place = len(content) // 2
        content[place] ^= 0xFF
    sizes = {"truncated": len(content) // 3, "empty": 0, "flipped": len(content)}
    last.write_bytes(content[: sizes.get(damage, 0)])
    if damage == "gone":
        last.unlink()

    main(["pretrain", "--resume", str(run)])
    assert_same(states(whole), states(run))
    assert damage == "gone" or "last.ckpt: it is damaged" in caplog.text
    assert damage == "gone" or "goes on from the one before" in caplog.text
    assert damage == "gone" or (run / DAMAGED).is_file()
    assert torch.load(run / PREVIOUS, weights_only=True)["global_step"] == 6
    assert good != (run / PREVIOUS).read_bytes()


def test_where_a_file_of_sharded_banks_is_missing_the_one_before_is_taken(videos, tmp_path, caplog) -> None:
    whole = pretrain(videos, tmp_path / "whole", "LOSS.BANKS", "sharded")
    run = interrupted_after(5, videos, tmp_path / "parts", "LOSS.BANKS", "sharded")
    last = banks_named_in(run / LAST)
    assert last != banks_named_in(run / PREVIOUS) != ""
    (lost,) = (run / BANK_FILES / last).iterdir()
    lost.unlink()
    main(["pretrain", "--resume", str(run)])
    assert f"{lost}: this part of the memory banks is missing" in caplog.text
    assert_same(states(whole), states(run))
    assert_same(banks(whole), banks(run))


def banks(run: Path) -> dict[str, object]:
    (file,) = (run / BANK_FILES / banks_named_in(run / LAST)).iterdir()
    return dict(load_file(file))


def test_with_both_damaged_the_file_is_named_and_nothing_changes(videos, tmp_path, capsys) -> None:
    run = interrupted_after(5, videos, tmp_path)
    for path in (run / LAST, run / PREVIOUS):
        path.write_bytes(path.read_bytes()[:1000])
    before = {path: path.read_bytes() for path in run.rglob("*.ckpt")}
    with pytest.raises(SystemExit) as stop:
        main(["pretrain", "--resume", str(run)])
    assert stop.value.code == 2
    assert f"{run / PREVIOUS}: not a readable checkpoint; it is damaged" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in run.rglob("*.ckpt")} == before


def test_videos_that_are_gone_are_told_and_the_run_goes_on_once_they_are_back(videos, tmp_path, capsys) -> None:
    whole = pretrain(videos, tmp_path / "whole")
    run = interrupted_after(3, videos, tmp_path / "parts")
    before = {path: path.read_bytes() for path in run.rglob("*.ckpt")}
    moved = videos.rename(tmp_path / "moved")
    with pytest.raises(SystemExit) as stop:
        main(["pretrain", "--resume", str(run)])
    assert stop.value.code == 2
    assert str(videos) in capsys.readouterr().err
    assert {path: path.read_bytes() for path in run.rglob("*.ckpt")} == before
    main(["pretrain", "--resume", str(run), "DATA.ROOT", str(moved)])
    assert_same(states(whole), states(run))


def test_some_videos_that_are_gone_are_told_before_anything_is_trained(videos, tmp_path, capsys) -> None:
    run = interrupted_after(3, videos, tmp_path / "parts")
    for video in list(videos.rglob("*.mp4"))[:2]:
        video.unlink()
    with pytest.raises(SystemExit):
        main(["pretrain", "--resume", str(run)])
    assert "the data now hold 6 videos" in capsys.readouterr().err


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=30m", "tmpfs", folder]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small tmpfs")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill_up(folder: Path, but: int = 0) -> None:
    """Leave no more than so many bytes."""
    with (folder / "other").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
        size = file.tell()
    os.truncate(folder / "other", max(size - 8192 - but, 0))


def test_a_disk_that_is_full_at_a_checkpoint_costs_no_step(videos, tmp_path, small_disk, caplog) -> None:
    whole = pretrain(videos, tmp_path / "whole")
    EventfulView.events = {3: lambda: fill_up(small_disk, but=100_000), 5: (small_disk / "other").unlink}
    run = pretrain(videos, small_disk)
    assert "last.ckpt: the checkpoint cannot be written (No space left on device)" in caplog.text
    assert_same(states(whole), states(run))
    assert torch.load(run / PREVIOUS, weights_only=True)["global_step"] == 6


def test_a_disk_that_is_full_to_the_last_byte_ends_the_run_with_its_last_checkpoint(
    videos, tmp_path, small_disk, capsys
) -> None:
    whole = pretrain(videos, tmp_path / "whole")
    EventfulView.events = {3: lambda: fill_up(small_disk)}
    with pytest.raises(SystemExit) as stop:
        pretrain(videos, small_disk)
    assert stop.value.code == 2
    run = only_run(small_disk)
    said = capsys.readouterr().err
    assert "No space left on device" in said
    assert f"iic pretrain --resume {run}" in said
    assert torch.load(run / LAST, weights_only=True)["global_step"] == STEPS_PER_EPOCH
    (small_disk / "other").unlink()
    EventfulView.events = {}
    main(["pretrain", "--resume", str(run)])
    assert_same(states(whole), states(run))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR2], ids=["SIGTERM", "SIGUSR2"])
def test_other_signals_stop_a_run_in_good_order_too(videos, tmp_path, number) -> None:
    EventfulView.events = {3: lambda: os.kill(os.getpid(), number)}
    with pytest.raises(SystemExit):
        pretrain(videos, tmp_path)
    assert read_checkpoint(only_run(tmp_path)).step == 3
    status = read_status(only_run(tmp_path))
    assert status is not None
    assert (status.state, status.epochs, status.steps) == ("stopped", 3, 6)
