"""When checkpoints are written, and what becomes of those before."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from pathlib import Path

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer

from iic_ptv.errors import CheckpointNotWritten, RunInterrupted
from iic_ptv.tasks.checkpoint_files import CheckpointFiles, save_checkpoint
from iic_ptv.tasks.checkpoints import Checkpoints
from iic_ptv.tasks.stop_request import StopRequest


class Counting(LightningModule):
    """One weight that is the number of steps made; `after` is called with it in the middle of each."""

    def __init__(self, after=lambda step: None, size: int = 1) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(size))
        self.after = after

    def training_step(self, batch, batch_idx):
        self.after(self.trainer.global_step + 1)
        return -self.weight.sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1.0)


def fit(task: Counting, folder: Path, epochs: int = 3, accumulate: int = 1, **options) -> Trainer:
    """Three batches an epoch."""
    trainer = Trainer(
        max_epochs=epochs,
        accumulate_grad_batches=accumulate,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[Checkpoints(folder / "last.ckpt", **options)],
        plugins=[CheckpointFiles(folder / "last.ckpt", folder / "previous.ckpt")],
    )
    trainer.fit(task, torch.utils.data.DataLoader(torch.zeros(3)))
    return trainer


def step_of(path: Path) -> int:
    return int(torch.load(path, weights_only=True)["state_dict"]["weight"][0])


def test_the_last_and_the_one_before_are_kept(tmp_path) -> None:
    fit(Counting(), tmp_path)
    assert (step_of(tmp_path / "last.ckpt"), step_of(tmp_path / "previous.ckpt")) == (9, 6)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["last.ckpt", "previous.ckpt"]


def test_the_clock_saves_within_an_epoch_too(tmp_path) -> None:
    saved: list[int] = []
    options = {"every_epochs": 100, "every_minutes": 1e-9}
    fit(Counting(), tmp_path, saved=lambda: saved.append(step_of(tmp_path / "last.ckpt")), **options)
    assert saved == list(range(1, 10))


def test_gradients_that_wait_for_more_are_not_saved(tmp_path) -> None:
    saved: list[int] = []
    options = {"every_epochs": 100, "every_minutes": 1e-9, "accumulate": 3}
    fit(Counting(), tmp_path, saved=lambda: saved.append(step_of(tmp_path / "last.ckpt")), **options)
    assert saved == [1, 2, 3]


def test_without_the_clock_only_epochs_save(tmp_path) -> None:
    saved: list[int] = []
    fit(Counting(), tmp_path, every_epochs=2, saved=lambda: saved.append(step_of(tmp_path / "last.ckpt")))
    assert saved == [6]


@pytest.mark.parametrize(("name", "to_go_on"), [("SIGINT", False), ("SIGTERM", False), ("SIGUSR2", True)])
def test_a_signal_ends_the_step_and_leaves_its_checkpoint(tmp_path, name, to_go_on) -> None:
    number = getattr(signal, name)
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2)}
    task = Counting(lambda step: os.kill(os.getpid(), number) if step == 5 else None)
    with StopRequest() as stop, pytest.raises(RunInterrupted) as interruption:
        fit(task, tmp_path, stop=stop)
    assert interruption.value.to_go_on == to_go_on
    assert step_of(tmp_path / "last.ckpt") == 5
    assert {each: signal.getsignal(each) for each in before} == before


def test_pre_emption_counts_as_such_whichever_signal_comes_first() -> None:
    for first, second in (("SIGTERM", "SIGUSR2"), ("SIGUSR2", "SIGTERM")):
        with StopRequest() as stop:
            signal.raise_signal(getattr(signal, first))
            signal.raise_signal(getattr(signal, second))
            assert stop.to_go_on


def test_a_second_ctrl_c_stops_at_once() -> None:
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.made
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True).returncode
    ):
        pytest.skip("needs the right to mount a small tmpfs")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_on_a_full_disk_the_one_before_is_kept_and_training_goes_on(small_disk, caplog) -> None:
    def fill(step: int) -> None:
        if step == 5:
            with (small_disk / "other").open("wb") as file:
                try:
                    while True:
                        file.write(bytes(4096))
                        file.flush()
                except OSError:
                    os.truncate(small_disk / "other", file.tell() - 8192)
        if step == 8:
            (small_disk / "other").unlink()

    with caplog.at_level(logging.WARNING):
        trainer = fit(Counting(fill, size=25_000), small_disk, epochs=3)
    assert trainer.global_step == 9
    (warning,) = [record.message for record in caplog.records if record.name == "iic_ptv.tasks.checkpoints"]
    assert "last.ckpt: the checkpoint cannot be written (No space left on device)" in warning
    assert (step_of(small_disk / "last.ckpt"), step_of(small_disk / "previous.ckpt")) == (9, 3)


def test_who_must_save_hears_of_a_full_disk(small_disk) -> None:
    trainer = fit(Counting(size=25_000), small_disk, every_epochs=100)
    (small_disk / "other").write_bytes(bytes(1024 * 980))
    with pytest.raises(CheckpointNotWritten, match="No space left on device"):
        save_checkpoint(trainer, small_disk / "last.ckpt")
    assert [file.name for file in small_disk.iterdir()] == ["other"]


def test_a_training_stops_when_its_minutes_are_up(tmp_path) -> None:
    """After the step in which they end, with a checkpoint, as if it had been asked to."""
    with pytest.raises(RunInterrupted, match=r"last\.ckpt"):
        fit(Counting(), tmp_path, max_minutes=1e-9)
    assert step_of(tmp_path / "last.ckpt") == 1
    fit(Counting(), tmp_path, max_minutes=60)
    assert step_of(tmp_path / "last.ckpt") == 9
