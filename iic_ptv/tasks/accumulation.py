"""Gradients of several batches that make one optimiser step."""

from __future__ import annotations

from lightning.pytorch import Trainer


def made_a_step(trainer: Trainer, batch_idx: int) -> bool:
    """Whether the optimiser made a step after the batch of an epoch that has this number, which has just ended.

    Lightning makes one after the last batch of an epoch, however many it has gathered.
    """
    return (batch_idx + 1) % trainer.accumulate_grad_batches == 0 or trainer.is_last_batch
