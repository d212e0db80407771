"""What all trainings share: Lightning's trainer around a run folder, and what is measured of it."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from fvcore.common.config import CfgNode
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from torch import nn

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.index import VideoIndex
from iic_ptv.data.module import ClipDataModule
from iic_ptv.errors import InputError
from iic_ptv.runs.bfloat16 import wrong_weight_gradients
from iic_ptv.runs.build import known_bad_videos, without
from iic_ptv.runs.checkpoint import LAST, Checkpoint
from iic_ptv.runs.folder import LEFT_OUT, describe_run
from iic_ptv.tasks.callbacks import EmbedConfig, LogDataWait, RunProgress, StopInGoodOrder

KIBIBYTES_PER_GIGABYTE = 1e9 / 1024


class Training:
    """A training into a run folder: checkpoints, logs, a progress bar, Ctrl-C in good order.

    Args:
        cfg: the configuration.
        folder: the run folder.
        label: what the progress bar is called.
        callbacks: further callbacks.

    Attributes:
        trainer: Lightning's trainer.

    Raises:
        InputError: Lightning does not take what ``TRAINER`` says.
    """

    def __init__(self, cfg: CfgNode, folder: Path, label: str, callbacks: Sequence[Callback] = ()) -> None:
        self.cfg = cfg
        self.folder = folder
        self._progress = RunProgress(label, cfg.TRAINER.LOG_EVERY)
        self._wait = LogDataWait(cfg.TRAINER.LOG_EVERY)
        self.trainer = _make_trainer(cfg, folder, [self._progress, self._wait, *callbacks])

    def num_steps(self, data: ClipDataModule) -> int:
        """Optimiser steps of the whole run."""
        return data.batches_per_epoch(self.trainer.world_size) * self.cfg.OPTIM.EPOCHS

    def check_precision(self, network: nn.Module) -> None:
        """Make sure that bfloat16, if it is asked for on a CPU, trains this network rightly.

        Raises:
            InputError: it does not; the message names the layers.
        """
        if not self.cfg.TRAINER.PRECISION.startswith("bf16") or not isinstance(
            self.trainer.accelerator, CPUAccelerator
        ):
            return
        data = self.cfg.DATA
        wrong = wrong_weight_gradients(network, (self.cfg.OPTIM.BATCH_SIZE, 3, data.CLIP_LENGTH, data.CROP, data.CROP))
        if wrong:
            raise InputError(
                f"TRAINER.PRECISION: on this processor bfloat16 gives wrong gradients in {len(wrong)} layers, such as "
                f"{wrong[0]}; use 32-true."
            )

    def fit(self, task: LightningModule, data: ClipDataModule, resume: Checkpoint | None) -> dict[str, Any]:
        """Train, from the begin or from a checkpoint on, and save the last one.

        Returns:
            What ``metrics.json`` says of the training.

        Raises:
            RunInterrupted: Ctrl-C; the checkpoint that it names is complete.
        """
        if self.trainer.is_global_zero:
            describe_run(self.folder, self.cfg.dump())
        if self.cfg.TRAINER.CHANNELS_LAST:
            task.to(memory_format=torch.channels_last_3d)
        started = time.perf_counter()
        checkpoint = str(resume.path) if resume else None
        self.trainer.fit(task, datamodule=data, ckpt_path=checkpoint, weights_only=True)
        self.trainer.save_checkpoint(self.folder / LAST, weights_only=False)
        return {
            "epochs": self.trainer.current_epoch,
            "steps": self.trainer.global_step,
            "videos": len(data.train),
            "bad_videos": len(data.train.bad_videos.read()),
            "seconds": round(time.perf_counter() - started, 1),
            "clips_per_second": round(self._progress.clips_per_second, 1),
            "data_wait": round(self._wait.waited, 3),
            "peak_memory_gb": peak_memory_gb(),
            **{name: float(value) for name, value in self.trainer.callback_metrics.items()},
        }


def peak_memory_gb() -> float:
    """Greatest memory of this process plus that of the largest of its ended children, in gigabytes."""
    kibibytes = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(kibibytes / KIBIBYTES_PER_GIGABYTE, 2)


def without_known_bad(cfg: CfgNode, folder: Path, index: VideoIndex, resumed: bool) -> VideoIndex:
    """The videos less those that are known to be bad; a resumed run leaves out what it always did.

    Rows of the memory banks, and what is held out for validation, must not change within a run, whatever a check of
    the data has found out since it began, and wherever the data lie by now.
    """
    left_out = BadVideoLog(folder / LEFT_OUT)
    if not resumed:
        left_out.add(known_bad_videos(cfg, index))
    return without(index, left_out.read())


def _make_trainer(cfg: CfgNode, folder: Path, more: list[Callback]) -> Trainer:
    checkpoint = folder / LAST
    callbacks = [
        EmbedConfig(cfg.dump()),
        StopInGoodOrder(checkpoint),
        LearningRateMonitor("step"),
        ModelCheckpoint(
            checkpoint.parent,
            filename=checkpoint.stem,
            every_n_epochs=cfg.TRAINER.CHECKPOINT_EVERY,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        ),
        *more,
    ]
    make = partial(
        Trainer,
        accelerator=cfg.TRAINER.ACCELERATOR,
        devices=cfg.TRAINER.DEVICES,
        precision=cfg.TRAINER.PRECISION,
        max_epochs=cfg.OPTIM.EPOCHS,
        gradient_clip_val=cfg.OPTIM.CLIP_NORM or None,
        log_every_n_steps=cfg.TRAINER.LOG_EVERY,
        num_sanity_val_steps=0,
        logger=[TensorBoardLogger(folder, name="logs", version="tensorboard"), CSVLogger(folder, name="logs")],
        callbacks=callbacks,
        use_distributed_sampler=False,  # the data module has its own
        enable_model_summary=False,
    )
    try:
        trainer = make()
        if trainer.world_size > 1:
            # DDP would otherwise send the memory banks from rank 0 at every step; they are the same everywhere.
            trainer = make(strategy=DDPStrategy(broadcast_buffers=False))
    except (ValueError, RuntimeError, MisconfigurationException) as error:
        # Lightning's message says which of its arguments it will not take.
        raise InputError(f"TRAINER: {error}") from error
    return trainer
