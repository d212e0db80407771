"""Telling compiled networks where a training step begins."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer


class StepBegin(Callback):
    """Let networks that run as CUDA graphs take up the memory of the step before, and only that."""

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Tell the compiler; networks that are not compiled do not notice."""
        torch.compiler.cudagraph_mark_step_begin()
