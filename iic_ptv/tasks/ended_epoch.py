"""Going on after the last batch of an epoch, from a checkpoint that was written before Lightning counted its end."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class EndedEpoch(Callback):
    """Count an epoch as ended whose last batch a checkpoint was saved after.

    From a checkpoint of within that step, Lightning goes on with the next epoch, and does not count it as begun. Were
    the run stopped and resumed again in it, its place in the epoch would be lost: a batch would come twice, and an
    optimiser step of gathered gradients be left out. Of a checkpoint that says that the epoch has ended, all is right.

    For trainings without validation, which belongs to the epoch and is followed by the checkpoint.
    """

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Correct the counters, which Lightning has not yet restored."""
        loop = checkpoint["loops"]["fit_loop"]
        batches, epochs = loop["epoch_loop.batch_progress"], loop["epoch_progress"]
        if batches["is_last_batch"]:
            for counts in (batches["total"], batches["current"], epochs["total"], epochs["current"]):
                counts["processed"] = counts["completed"] = counts["ready"]
