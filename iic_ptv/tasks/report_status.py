"""A word every few seconds on how far a training is, for those who watch it from elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from iic_ptv.tasks.callbacks import RunProgress

SECONDS_BETWEEN = 5.0


class ReportStatus(Callback):
    """Tell how far the training is, at most every few seconds; the loss is read no more often.

    Args:
        progress: the bar, which counts; it comes before this among the callbacks.
        tell: takes ``epoch``, ``epochs``, ``step``, ``steps``, ``loss``, ``clips_per_second`` and ``seconds_left``.
        seconds_between: from one word to the next.
    """

    def __init__(
        self, progress: RunProgress, tell: Callable[..., None], seconds_between: float = SECONDS_BETWEEN
    ) -> None:
        self.progress = progress
        self.tell = tell
        self.seconds_between = seconds_between

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start counting; of a resumed run, what was before does not count for its speed."""
        self._first_step = trainer.global_step
        self._told = -self.seconds_between

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Tell, if it was not done lately."""
        is_end = trainer.global_step == trainer.estimated_stepping_batches
        if trainer.is_global_zero and (is_end or time.monotonic() - self._told >= self.seconds_between):
            self._tell(trainer)
            self._told = time.monotonic()

    def _tell(self, trainer: Trainer) -> None:
        steps, step = int(trainer.estimated_stepping_batches), trainer.global_step
        loss = trainer.callback_metrics.get("train/loss")
        self.tell(
            epoch=trainer.current_epoch + 1,
            epochs=trainer.max_epochs,
            step=step,
            steps=steps,
            loss=None if loss is None else round(float(loss), 4),
            clips_per_second=round(self.progress.clips_per_second, 1),
            seconds_left=round(self.progress.seconds * (steps - step) / max(step - self._first_step, 1)),
        )
