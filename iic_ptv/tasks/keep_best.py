"""Keeping the best epoch of a training."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from iic_ptv.errors import InputError
from iic_ptv.tasks.checkpoint_files import save_checkpoint

VALIDATION = "val/"


class KeepBest(Callback):
    """Save a checkpoint whenever the loss of the validation is lower than ever before.

    What was best so far is part of the checkpoints, so that a resumed run, wherever its folder lies by now, keeps a
    better epoch of before.

    Args:
        checkpoint: where to save.

    Attributes:
        epoch: the best epoch, counted from 1; 0 if there is none, as no loss was a number.
        metrics: what was measured in its validation, such as ``loss`` and ``top1``.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint
        self.epoch = 0
        self.metrics: dict[str, float] = {}

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save if this epoch is the best.

        Raises:
            InputError: none of the videos could be read.
            CheckpointNotWritten: the disk is full, say.
        """
        metrics = {
            name.removeprefix(VALIDATION): float(value)
            for name, value in trainer.callback_metrics.items()
            if name.startswith(VALIDATION)
        }
        if "loss" not in metrics:
            raise InputError(
                "None of the videos that are held out for the validation could be read, so that the best epoch cannot "
                "be told: mend or remove them (`iic check-data FOLDER` finds such), or set "
                "RECOGNITION.VALIDATION_VIDEOS to 0 and OPTIM.SCHEDULE to cosine."
            )
        if metrics["loss"] < self.metrics.get("loss", math.inf):
            self.epoch, self.metrics = trainer.current_epoch + 1, metrics
            save_checkpoint(trainer, self.checkpoint)

    def state_dict(self) -> dict[str, Any]:
        """What was best so far."""
        return {"epoch": self.epoch, "metrics": self.metrics}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what was best so far."""
        self.epoch, self.metrics = state_dict["epoch"], state_dict["metrics"]
