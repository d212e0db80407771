"""What all trainings share: Lightning's trainer around a run folder, and what is measured of it."""

from __future__ import annotations

import errno
import logging
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from fvcore.common.config import CfgNode
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.callbacks import LearningRateMonitor
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from torch import nn

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.index import VideoIndex
from iic_ptv.data.module import ClipDataModule
from iic_ptv.errors import CheckpointNotWritten, InputError, RunInterrupted, message_of
from iic_ptv.models.compilation import compile_network, uncompile_network
from iic_ptv.models.float32_layers import keep_nothing_in_float32
from iic_ptv.processes import launched_processes
from iic_ptv.runs.bfloat16 import keep_wrong_layers_in_float32
from iic_ptv.runs.build import known_bad_videos, without
from iic_ptv.runs.checkpoint import BANK_FILES, LAST, PREVIOUS, Checkpoint
from iic_ptv.runs.folder import LEFT_OUT, describe_run
from iic_ptv.runs.kept_memory import keep_freed_memory
from iic_ptv.runs.precision import BFLOAT16
from iic_ptv.runs.status import FAILED, RUNNING, STOPPED, tell_status
from iic_ptv.runs.terminal import console, say
from iic_ptv.tasks.bank_files import banks_named_in
from iic_ptv.tasks.callbacks import EmbedConfig, LogDataWait, RunProgress
from iic_ptv.tasks.checkpoint_files import CheckpointFiles, save_checkpoint
from iic_ptv.tasks.checkpoints import Checkpoints
from iic_ptv.tasks.report_status import ReportStatus
from iic_ptv.tasks.shard_checkpoints import ShardCheckpoints, remove_unused
from iic_ptv.tasks.step_begin import StepBegin
from iic_ptv.tasks.stop_request import StopRequest
from iic_ptv.tasks.world_change import Epoch, WorldChange

logger = logging.getLogger(__name__)

KIBIBYTES_PER_GIGABYTE = 1e9 / 1024
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
SECONDS_BETWEEN_LINES = 30.0  # in a log, which shows no bar


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
        self.label = label
        self._networks: Sequence[nn.Module] = ()
        self._stop = StopRequest()
        self._progress = RunProgress(label, cfg.TRAINER.LOG_EVERY)
        self._wait = LogDataWait(cfg.TRAINER.LOG_EVERY)
        self._last_line = -SECONDS_BETWEEN_LINES
        banks = ShardCheckpoints(folder / BANK_FILES)
        every = cfg.TRAINER.CHECKPOINT_EVERY, cfg.TRAINER.CHECKPOINT_MINUTES
        checkpoints = Checkpoints(folder / LAST, *every, self._stop, self._remove_unused_banks, cfg.TRAINER.MAX_MINUTES)
        report = ReportStatus(self._progress, self._tell)
        self.trainer = _make_trainer(cfg, folder, [self._progress, self._wait, report, banks, checkpoints, *callbacks])

    def num_steps(self, data: ClipDataModule) -> int:
        """Optimiser steps of the whole run."""
        return self._epoch(data).steps * self.cfg.OPTIM.EPOCHS

    def complete(self, checkpoint: Checkpoint, data: ClipDataModule) -> bool:
        """Whether a checkpoint is that of the end, counted in steps of the processes at hand."""
        return checkpoint.steps_of(self._epoch(data).steps) >= self.num_steps(data)

    def prepare(self, networks: Sequence[nn.Module]) -> None:
        """Lay out the networks in memory, keep layers of them in float32 and compile them, as ``TRAINER`` says.

        Args:
            networks: of one architecture.

        Raises:
            InputError: there is no such mode of compiling, or it excludes another option; or the processor gets wrong
                what may not be in float32.
        """
        self._networks = networks
        options = self.cfg.TRAINER
        if options.COMPILE and options.ACTIVATION_CHECKPOINTING:
            raise InputError(
                "TRAINER.COMPILE: compiled networks choose themselves what to compute again; set "
                "TRAINER.ACTIVATION_CHECKPOINTING to False."
            )
        if options.CHANNELS_LAST:
            for network in networks:
                network.to(memory_format=torch.channels_last_3d)
        if isinstance(self.trainer.accelerator, CPUAccelerator):
            keep_freed_memory()
            if options.PRECISION.startswith("bf16"):
                self._mend_bfloat16(networks)
        if options.COMPILE:
            for network in networks:
                compile_network(network, options.COMPILE)

    def _mend_bfloat16(self, networks: Sequence[nn.Module]) -> None:
        data = self.cfg.DATA
        clip_shape = (self.cfg.OPTIM.BATCH_SIZE, 3, data.CLIP_LENGTH, data.CROP, data.CROP)
        wrong = keep_wrong_layers_in_float32(networks, clip_shape)
        if not wrong:
            return
        if self.cfg.TRAINER.PRECISION != BFLOAT16:
            raise InputError(
                f"TRAINER.PRECISION: on this processor bfloat16 gives wrong gradients in {len(wrong)} layers, such as "
                f"{wrong[0]}; use {BFLOAT16}, which keeps these in float32."
            )
        if self.trainer.is_global_zero:
            names = ", ".join(layer.name for layer in wrong)
            say(f"kept in float32, as this processor gets their gradients wrong in bfloat16: {names}")

    def _undo_preparation(self) -> None:
        """Let the networks compute to the bit what those do that are read from the checkpoint."""
        for network in self._networks:
            uncompile_network(network)
            keep_nothing_in_float32(network)
            network.to(memory_format=torch.contiguous_format)

    def fit(self, task: LightningModule, data: ClipDataModule, resume: Checkpoint | None) -> dict[str, Any]:
        """Train, from the begin or from a checkpoint on, and save the last one.

        Returns:
            What ``metrics.json`` says of the training.

        Raises:
            RunInterrupted: Ctrl-C; the checkpoint that it names is complete.
        """
        if self.trainer.is_global_zero:
            describe_run(self.folder, self.cfg.dump())
        callbacks: list[Callback] = self.trainer.callbacks  # type: ignore[attr-defined]
        callbacks.append(WorldChange(self._epoch(data), len(data.train)))
        started = time.perf_counter()
        checkpoint = str(resume.path) if resume else None
        with self._stop, self._telling_the_end():
            self.trainer.fit(task, datamodule=data, ckpt_path=checkpoint, weights_only=True)
            save_checkpoint(self.trainer, self.folder / LAST)
            if self.trainer.is_global_zero:
                self._remove_unused_banks()
        self._undo_preparation()
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

    def rehearse(self, task: LightningModule, data: ClipDataModule, num_steps: int) -> None:
        """Make the first steps of a training as :meth:`fit` does, and keep nothing but the logs."""
        callbacks: list[Callback] = self.trainer.callbacks  # type: ignore[attr-defined]
        callbacks[:] = [each for each in callbacks if not isinstance(each, (Checkpoints, ReportStatus))]
        self.trainer.fit_loop.epoch_loop.max_steps = num_steps
        self.trainer.fit(task, datamodule=data)

    def _epoch(self, data: ClipDataModule) -> Epoch:
        return Epoch(data.batches_per_epoch(self.trainer.world_size), self.cfg.OPTIM.ACCUMULATE)

    def _remove_unused_banks(self) -> None:
        """Remove the files of sharded banks that none of the checkpoints needs."""
        if (folder := self.folder / BANK_FILES).is_dir():
            remove_unused(folder, {banks_named_in(self.folder / name) for name in (LAST, PREVIOUS)})

    def _tell(self, **progress: Any) -> None:
        """Say how far the training is, in the run folder and, now and then, in a log."""
        tell_status(self.folder, **progress)
        if not console.is_terminal and time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            loss = "" if progress["loss"] is None else f", loss {progress['loss']:.2f}"
            say(
                f"{self.label}: epoch {progress['epoch']} of {progress['epochs']}, step {progress['step']:,} of "
                f"{progress['steps']:,}{loss}, {progress['clips_per_second']:.1f} clips/s"
            )

    @contextmanager
    def _telling_the_end(self) -> Iterator[None]:
        """Let the run folder say that the training runs, and if it ends early, why."""
        self._tell_state(RUNNING, stage=self.label)
        try:
            yield
        except RunInterrupted:
            self._tell_state(STOPPED, "asked to stop")
            raise
        except CheckpointNotWritten as error:
            self._tell_state(FAILED, str(error))
            raise CheckpointNotWritten(f"{error}; {self._once_there_is_room()}") from error
        except InputError as error:
            self._tell_state(FAILED, message_of(error))
            raise
        except Exception as error:
            self._tell_state(FAILED, f"{type(error).__name__}: {error}")
            if not (isinstance(error, OSError) and error.errno in NO_ROOM):
                raise
            raise InputError(f"{self.folder}: {error.strerror}; {self._once_there_is_room()}") from error

    def _tell_state(self, state: str, message: str = "", **more: Any) -> None:
        if self.trainer.is_global_zero:
            tell_status(self.folder, state=state, message=message, **more)

    def _once_there_is_room(self) -> str:
        if not (self.folder / LAST).is_file():
            return "make room, and begin again."
        command = "finetune" if self.label == "fine-tuning" else "pretrain"
        return f"make room, and go on from the last checkpoint with: iic {command} --resume {self.folder}"


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
    launched = launched_processes()
    # One owner of the processes, and of going on after pre-emption: never what Lightning finds of SLURM by itself.
    where: dict[str, Any] = {"devices": cfg.TRAINER.DEVICES}
    environment: Any = LightningEnvironment()
    if launched is not None:
        where = {"devices": launched.local_world_size, "num_nodes": launched.num_nodes}
        environment = TorchElasticEnvironment()
    make = partial(
        Trainer,
        accelerator=cfg.TRAINER.ACCELERATOR,
        **where,
        plugins=[environment, CheckpointFiles(folder / LAST, folder / PREVIOUS)],
        precision=cfg.TRAINER.PRECISION,
        max_epochs=cfg.OPTIM.EPOCHS,
        accumulate_grad_batches=cfg.OPTIM.ACCUMULATE,
        gradient_clip_val=cfg.OPTIM.CLIP_NORM or None,
        log_every_n_steps=cfg.TRAINER.LOG_EVERY,
        num_sanity_val_steps=0,
        logger=[TensorBoardLogger(folder, name="logs", version="tensorboard"), CSVLogger(folder, name="logs")],
        callbacks=[EmbedConfig(cfg.dump()), LearningRateMonitor("step"), StepBegin(), *more],
        use_distributed_sampler=False,  # the data module has its own
        sync_batchnorm=cfg.TRAINER.SYNC_BATCHNORM,
        deterministic=cfg.TRAINER.DETERMINISTIC,
        enable_model_summary=False,
    )
    try:
        trainer = make()
        if trainer.world_size > 1:
            trainer = make(strategy=_ddp(cfg.TRAINER.DETERMINISTIC))
    except (ValueError, RuntimeError, MisconfigurationException) as error:
        # Lightning's message says which of its arguments it will not take.
        raise InputError(f"TRAINER: {error}") from error
    if cfg.TRAINER.SYNC_BATCHNORM and isinstance(trainer.accelerator, CPUAccelerator):
        raise InputError("TRAINER.SYNC_BATCHNORM: batch statistics can only be synchronised on GPUs; set it to False.")
    return trainer


def _ddp(deterministic: bool) -> DDPStrategy:
    """DDP, which would otherwise send the memory banks from rank 0 at every step; they are the same everywhere.

    In what order gradients are added up hangs on where they lie in DDP's buckets, and it sorts these anew after the
    first step, unless it looks for unused parameters: a resumed run would add up its first gradients in another order.
    """
    return DDPStrategy(broadcast_buffers=False, find_unused_parameters=deterministic)
