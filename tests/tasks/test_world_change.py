"""Going on with another number of processes: counters, schedules, and what is said."""

from __future__ import annotations

import logging
from functools import partial

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer

from iic_ptv.errors import RunInterrupted
from iic_ptv.tasks.checkpoint_files import CheckpointFiles
from iic_ptv.tasks.checkpoints import Checkpoints
from iic_ptv.tasks.stop_request import StopRequest
from iic_ptv.tasks.world_change import Epoch, WorldChange, translated_steps


@pytest.mark.parametrize(
    ("steps", "before", "now", "expected"),
    [(0, 10, 5, 0), (25, 10, 5, 12), (10, 10, 3, 3), (9, 10, 20, 18), (7, 3, 3, 7), (299, 100, 7, 20)],
)
def test_steps_are_translated_by_the_part_of_the_epoch(steps, before, now, expected) -> None:
    assert translated_steps(steps, before, now) == expected


class Task(LightningModule):
    """Learns nothing, and notes the learning rate of every step."""

    def __init__(self, schedule) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.schedule = schedule
        self.rates: list[float] = []

    def training_step(self, batch, batch_idx):
        self.rates.append(self.optimizers().param_groups[0]["lr"])
        return self.weight.sum()

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": self.schedule(optimizer), "interval": "step"}}


class Loader:
    """Batches whose first pass begins after some of them, as that of a resumed run does."""

    def __init__(self, batches: int, skip: int = 0) -> None:
        self.batches = batches
        self.skip = skip

    def __len__(self) -> int:
        return self.batches

    def __iter__(self):
        skip, self.skip = self.skip, 0
        return iter(torch.zeros(self.batches - skip, 1))


def fit(
    task: Task, folder, batches: int, skip: int = 0, stop_after: int = -1, resume=None, accumulate: int = 1
) -> Trainer:
    """Three epochs, or as many steps."""
    stop = StopRequest()
    made = Trainer(
        max_epochs=3,
        accumulate_grad_batches=accumulate,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[
            WorldChange(Epoch(batches, accumulate), num_videos=24),
            Checkpoints(folder / "last.ckpt", stop=stop),
        ],
        plugins=[CheckpointFiles(folder / "last.ckpt", folder / "previous.ckpt")],
    )

    def note(*_) -> None:
        stop.made = made.global_step + 1 == stop_after

    task.on_train_batch_start = note  # type: ignore[method-assign]
    made.fit(task, Loader(batches, skip), ckpt_path=resume, weights_only=True)
    return made


SCHEDULES = {
    "multistep": lambda steps: partial(
        torch.optim.lr_scheduler.MultiStepLR, milestones=[steps // 3, 2 * steps // 3], gamma=0.1
    ),
    "cosine": lambda steps: partial(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=steps),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(
    ("before", "now", "accumulate"), [(12, 6, 1), (6, 12, 1), (8, 3, 1), (12, 6, 2), (7, 4, 2), (4, 7, 3)]
)
def test_a_run_goes_on_where_one_of_the_new_size_would_be(tmp_path, caplog, schedule, before, now, accumulate) -> None:
    old_epoch, epoch = -(-before // accumulate), -(-now // accumulate)  # in steps
    steps = old_epoch + old_epoch // 2
    begun = Task(SCHEDULES[schedule](3 * old_epoch))
    with pytest.raises(RunInterrupted):
        fit(begun, tmp_path, before, stop_after=steps, accumulate=accumulate)
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    saved["iic_world"]["world_size"] = 2  # as if there had been two
    torch.save(saved, tmp_path / "two.ckpt")

    whole = Task(SCHEDULES[schedule](3 * epoch))
    fit(whole, tmp_path, now, accumulate=accumulate)
    assert len(whole.rates) == 3 * now
    resumed, steps_to_skip = Task(SCHEDULES[schedule](3 * epoch)), (old_epoch // 2) * epoch // old_epoch
    skip = steps_to_skip * accumulate
    with caplog.at_level(logging.WARNING, logger="iic_ptv"):
        goes_on = fit(resumed, tmp_path, now, skip, resume=tmp_path / "two.ckpt", accumulate=accumulate)

    done = epoch + steps_to_skip
    assert goes_on.global_step == 3 * epoch
    assert resumed.rates == pytest.approx(whole.rates[now + skip :], rel=1e-5)
    (message,) = [record.getMessage() for record in caplog.records if record.name == "iic_ptv.tasks.world_change"]
    assert "Begun on 2 and going on with 1 processes" in message
    assert f"step {steps} counts as step {done}" in message


def test_the_same_number_of_processes_changes_nothing(tmp_path, caplog) -> None:
    with pytest.raises(RunInterrupted):
        fit(Task(SCHEDULES["cosine"](12)), tmp_path, 4, stop_after=6)
    resumed = Task(SCHEDULES["cosine"](12))
    goes_on = fit(resumed, tmp_path, 4, skip=2, resume=tmp_path / "last.ckpt")
    assert (goes_on.global_step, len(resumed.rates)) == (12, 6)
    assert not [record for record in caplog.records if record.name.startswith("iic_ptv")]
