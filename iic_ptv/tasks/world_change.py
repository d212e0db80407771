"""Going on with a training on another number of processes than it was on before."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

logger = logging.getLogger(__name__)

WORLD = "iic_world"  # entry of our checkpoints beside Lightning's


@dataclass(frozen=True)
class Epoch:
    """How an epoch is cut into batches, and these into optimiser steps.

    Attributes:
        batches: of each process.
        accumulate: batches that make a step; the last step of an epoch may have fewer.
    """

    batches: int
    accumulate: int = 1

    @property
    def steps(self) -> int:
        """Optimiser steps of an epoch."""
        return -(-self.batches // self.accumulate)

    def batches_of(self, steps: int) -> int:
        """The batches that so many steps are made of, over any number of epochs."""
        epochs, rest = divmod(steps, self.steps)
        return epochs * self.batches + rest * self.accumulate

    def steps_of(self, batches: int) -> int:
        """The steps that so many batches make, over any number of epochs."""
        epochs, rest = divmod(batches, self.batches)
        return epochs * self.steps + -(-rest // self.accumulate)


class WorldChange(Callback):
    """Let a checkpoint tell on how many processes it was written, and translate it when it is read on others.

    Each process takes its share of an epoch, so with another number of them an epoch has another number of steps.
    The place in the epoch becomes the one that the training has come to in clips, rounded down to a whole step; steps
    are counted as if it had always been so, and the schedule of the learning rate goes on from there. What changed is
    said.

    Args:
        epoch: how an epoch is cut on the processes at hand.
        num_videos: clips of an epoch.
    """

    def __init__(self, epoch: Epoch, num_videos: int) -> None:
        self.epoch = epoch
        self.num_videos = num_videos

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Add the entry ``iic_world``."""
        checkpoint[WORLD] = {
            "world_size": trainer.world_size,
            "batches_per_epoch": self.epoch.batches,
            "steps_per_epoch": self.epoch.steps,
        }

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Translate the checkpoint, which Lightning has not yet restored its loops and optimisers from."""
        before = checkpoint.get(WORLD)
        if before is None or before["world_size"] == trainer.world_size:
            return
        old = Epoch(before["batches_per_epoch"], self.epoch.accumulate)
        steps = translated_steps(checkpoint["global_step"], old.steps, self.epoch.steps)
        _translate_loops(checkpoint, old, self.epoch, steps)
        rates = _translate_schedule(checkpoint, pl_module, steps)
        if trainer.is_global_zero:
            message = self._message(trainer, before["world_size"], old, checkpoint["global_step"], steps, rates)
            logger.warning("%s", message)
        checkpoint["global_step"] = steps

    def _message(
        self,
        trainer: Trainer,
        old_world_size: int,
        old: Epoch,
        old_steps: int,
        steps: int,
        rates: tuple[float, float] | None,
    ) -> str:
        new = self.epoch
        place_before, place = old.batches_of(old_steps) % old.batches, new.batches_of(steps) % new.batches
        again = round(self.num_videos * (place_before / old.batches - place / new.batches))
        parts = [
            f"Begun on {old_world_size} and going on with {trainer.world_size} processes: an epoch has now "
            f"{new.steps:,} steps instead of {old.steps:,}, of joint batches that are larger or smaller accordingly",
            f"step {old_steps:,} counts as step {steps:,}",
        ]
        if again > 0:
            parts.append(f"up to {again:,} videos come once more in this epoch")
        if rates is not None and rates[0] != rates[1]:
            parts.append(f"the learning rate is now {rates[1]:.4g}, not {rates[0]:.4g} (OPTIM.LR_SCALING)")
        parts.append("the weights will not be those of a run with either number throughout")
        return "; ".join(parts) + "."


def translated_steps(steps: int, before: int, now: int) -> int:
    """The steps that make the same part of a training.

    Args:
        steps: made so far.
        before: steps of an epoch, then.
        now: steps of an epoch, now.

    Example:
        >>> translated_steps(25, before=10, now=5)  # two epochs and a half
        12
    """
    epochs, rest = divmod(steps, before)
    return epochs * now + rest * now // before


def _translate_loops(checkpoint: dict[str, Any], before: Epoch, now: Epoch, steps: int) -> None:
    """Let Lightning's counters say what they would if epochs had always been cut as they are now."""
    loop = checkpoint["loops"]["fit_loop"]
    batches = loop["epoch_loop.batch_progress"]
    steps_of_epoch = translated_steps(before.steps_of(batches["current"]["ready"]), before.steps, now.steps)
    _set_ready(batches, now.batches_of(steps), now.batches_of(steps_of_epoch))
    optimizer = loop["epoch_loop.automatic_optimization.optim_progress"]["optimizer"]
    for progress in (loop["epoch_loop.scheduler_progress"], *optimizer.values()):
        _set_ready(progress, steps, translated_steps(progress["current"]["ready"], before.steps, now.steps))
    loop["epoch_loop.state_dict"]["_batches_that_stepped"] = steps


def _set_ready(progress: dict[str, Any], total: int, current: int) -> None:
    """Set what is counted of the whole training, and of the epoch that it stands in.

    The counts of one thing are of its stages, ready, started and completed: how far they are apart stays as it was.
    """
    for counts, ready in ((progress["total"], total), (progress["current"], current)):
        counts.update({name: ready + count - counts["ready"] for name, count in counts.items()})


def _translate_schedule(
    checkpoint: dict[str, Any], pl_module: LightningModule, steps: int
) -> tuple[float, float] | None:
    """Set the schedule, and the optimiser's rates, to where a fresh one is after so many steps.

    Returns:
        The learning rate before and now; None if nothing was translated: plateau, which counts no steps, goes on.
    """
    made: Any = pl_module.configure_optimizers()
    if not isinstance(made, dict) or not checkpoint["lr_schedulers"] or "monitor" in made["lr_scheduler"]:
        return None
    optimizer, scheduler = made["optimizer"], made["lr_scheduler"]["scheduler"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no step of the optimiser came before
        for _ in range(steps):
            scheduler.step()
    checkpoint["lr_schedulers"][0] = scheduler.state_dict()
    groups = checkpoint["optimizer_states"][0]["param_groups"]
    rate = groups[0]["lr"]
    for group, fresh in zip(groups, optimizer.param_groups, strict=True):
        group.update({name: value for name, value in fresh.items() if name != "params"})
    return rate, groups[0]["lr"]
