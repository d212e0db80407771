"""When a training saves its state: after epochs, every so many minutes, and when it is asked to stop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from iic_ptv.distributed import patient_group, world_size
from iic_ptv.errors import CheckpointNotWritten, RunInterrupted
from iic_ptv.tasks.accumulation import made_a_step
from iic_ptv.tasks.checkpoint_files import save_checkpoint
from iic_ptv.tasks.stop_request import StopRequest

logger = logging.getLogger(__name__)

NOTHING, SAVE, STOP, STOP_TO_GO_ON = range(4)  # what a process wishes after a step; the greatest wish counts for all


class Checkpoints(Checkpoint):
    """Keep one checkpoint from which the run can go on, and stop in good order when asked to.

    It is always that of a whole number of optimiser steps: weights, optimiser, schedule, memory banks, counters and the
    place in the epoch, so that a resumed run ends as an uninterrupted one. When it cannot be written, say to a full
    disk, the training goes on, and says so: the ones before are as they were.

    Args:
        path: where to save.
        every_epochs: epochs from one to the next.
        every_minutes: minutes after the last one, within epochs; 0: only after epochs.
        stop: what asks the run to stop, while it is listening; None: nothing does.
        saved: called in the first process after every one that was written.
        max_minutes: stop so long after the training began, as if asked to; 0: at its end.

    Raises:
        RunInterrupted: from the training loop, on all processes after the same step, once the checkpoint is written.
    """

    def __init__(
        self,
        path: Path,
        every_epochs: int = 1,
        every_minutes: float = 0.0,
        stop: StopRequest | None = None,
        saved: Callable[[], None] = lambda: None,
        max_minutes: float = 0.0,
    ) -> None:
        self.path = path
        self.every_epochs = every_epochs
        self.every_seconds = 60 * every_minutes
        self.stop = stop
        self.saved = saved
        self.max_seconds = 60 * max_minutes
        self._last_saved = self._began = time.monotonic()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock, and take SIGTERM back from Lightning, which has just taken it over."""
        if self.stop is not None:
            self.stop.listen()
        self._last_saved = self._began = time.monotonic()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Do what is wished after a step of the optimiser: of gradients that wait for more, nothing is saved."""
        if not made_a_step(trainer, batch_idx):
            return
        # The validation after an epoch belongs to it: a run that resumes after its last step would do without.
        if not (trainer.is_last_batch and trainer.enable_validation):
            self._act(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Do what is wished after an epoch and its validation, and save."""
        if trainer.enable_validation:
            self._act(trainer)
        if (trainer.current_epoch + 1) % self.every_epochs == 0:
            self._save(trainer)

    def _act(self, trainer: Trainer) -> None:
        wish = self._joint_wish()
        if wish >= STOP and trainer.global_step < trainer.estimated_stepping_batches:
            self._save(trainer)
            raise RunInterrupted(str(self.path), to_go_on=wish == STOP_TO_GO_ON)
        if wish == SAVE:
            self._save(trainer)

    def _joint_wish(self) -> int:
        """What to do: the same in all processes, whichever of them a signal reached."""
        if world_size() == 1:
            return self._own_wish()
        wishes = torch.tensor(self._own_wish())
        # On the CPU, so that agreeing on what to do does not wait for the GPU.
        dist.all_reduce(wishes, dist.ReduceOp.MAX, group=patient_group())
        return int(wishes)

    def _own_wish(self) -> int:
        if self.stop is not None and self.stop.made:
            return STOP_TO_GO_ON if self.stop.to_go_on else STOP
        if self.max_seconds and time.monotonic() - self._began >= self.max_seconds:
            return STOP
        is_due = self.every_seconds and time.monotonic() - self._last_saved >= self.every_seconds
        return SAVE if is_due else NOTHING

    def _save(self, trainer: Trainer) -> None:
        try:
            save_checkpoint(trainer, self.path)
        except CheckpointNotWritten as error:
            if trainer.is_global_zero:
                logger.warning("%s. The one before is kept: a stop now would lose what was trained since.", error)
        else:
            if trainer.is_global_zero:
                self.saved()
        self._last_saved = time.monotonic()
