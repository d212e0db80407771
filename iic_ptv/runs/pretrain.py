"""Pre-training: from a configuration to a run folder with checkpoints, logs and metrics."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from fvcore.common.config import CfgNode
from lightning.pytorch import Callback, Trainer, seed_everything
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.index import VideoIndex
from iic_ptv.errors import InputError
from iic_ptv.registry import load_plugins
from iic_ptv.runs.build import build_bad_video_log, build_data, build_index, build_task, known_bad_videos, without
from iic_ptv.runs.checkpoint import LAST, Checkpoint, load_networks
from iic_ptv.runs.folder import describe_run, write_json
from iic_ptv.tasks.callbacks import EmbedConfig, FillBanks, LogDataWait, RunProgress, StopInGoodOrder
from iic_ptv.tasks.iic import IICTask

LEFT_OUT = "left_out.csv"  # in the run folder: videos that were known to be when the run began
KIBIBYTES_PER_GIGABYTE = 1e9 / 1024


@dataclass(frozen=True)
class Pretrained:
    """What a pre-training leaves.

    Attributes:
        task: the trained task, in memory.
        folder: the run folder.
        metrics: what ``metrics.json`` says.
    """

    task: IICTask
    folder: Path
    metrics: dict[str, Any]


def run_name(cfg: CfgNode) -> str:
    """A name that tells a run from others: every option that is commonly varied."""
    if cfg.NAME:
        return str(cfg.NAME)
    views = "+".join(cfg.VIEWS)
    return f"{cfg.MODEL.BACKBONE}-{views}-{cfg.INTRA_NEGATIVE}-{cfg.DATA.CLIP_LENGTH}x{cfg.DATA.CROP}-seed{cfg.SEED}"


def pretrain(cfg: CfgNode, folder: Path, resume: Checkpoint | None = None, label: str = "pre-training") -> Pretrained:
    """Pre-train as configured, into a run folder that exists.

    Args:
        cfg: the configuration.
        folder: the run folder; gets ``config.yaml``, ``versions.json``, ``logs/``, ``checkpoints/``, ``metrics.json``.
        resume: go on from this checkpoint of the same configuration.
        label: what the progress bar is called.

    Raises:
        InputError: something in the configuration or the data cannot be used.
        RunInterrupted: Ctrl-C; the checkpoint that it names is complete.
    """
    load_plugins(cfg.PLUGINS)
    seed_everything(cfg.SEED, workers=True, verbose=False)
    index = _without_known_bad(cfg, folder, resume is not None)
    bad_videos = build_bad_video_log(cfg, folder, len(index))
    data = build_data(cfg, index, bad_videos)
    progress = RunProgress(label, cfg.TRAINER.LOG_EVERY)
    wait = LogDataWait(cfg.TRAINER.LOG_EVERY)
    fill = [FillBanks(data.fill_dataloader)] if cfg.LOSS.FILL_BANKS else []
    trainer = _make_trainer(cfg, folder, [progress, wait, *fill])
    steps = data.batches_per_epoch(trainer.world_size) * cfg.OPTIM.EPOCHS
    task = build_task(cfg, len(index), steps)
    if resume is not None:
        _check_resumable(task, resume, len(index), steps)
    if trainer.is_global_zero:
        describe_run(folder, cfg.dump())

    started = time.perf_counter()
    trainer.fit(task, datamodule=data, ckpt_path=str(resume.path) if resume else None, weights_only=True)
    trainer.save_checkpoint(folder / LAST, weights_only=False)
    metrics = {
        "epochs": trainer.current_epoch,
        "steps": trainer.global_step,
        "videos": len(index),
        "bad_videos": len(bad_videos.read()),
        "seconds": round(time.perf_counter() - started, 1),
        "clips_per_second": round(progress.clips_per_second, 1),
        "data_wait": round(wait.waited, 3),
        "peak_memory_gb": peak_memory_gb(),
        **{name: float(value) for name, value in trainer.callback_metrics.items()},
    }
    if trainer.is_global_zero:
        write_json(folder / "metrics.json", metrics)
    return Pretrained(task, folder, metrics)


def peak_memory_gb() -> float:
    """Greatest memory of this process plus that of the largest of its ended children, in gigabytes."""
    kibibytes = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(kibibytes / KIBIBYTES_PER_GIGABYTE, 2)


def _without_known_bad(cfg: CfgNode, folder: Path, resumed: bool) -> VideoIndex:
    """The videos to train on, less those that are known to be bad; a resumed run leaves out what it always did.

    Rows of the memory banks must not move within a run, whatever a check of the data has found out since it began,
    and wherever the data lie by now.
    """
    index = build_index(cfg)
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
    if cfg.TRAINER.PRECISION.startswith("bf16") and isinstance(trainer.accelerator, CPUAccelerator):
        # Convolutions with two frames of input, as in R3D's last stage, get weight gradients of zeros or garbage.
        raise InputError("TRAINER.PRECISION: bfloat16 trains wrongly on CPUs (oneDNN); use 32-true there.")
    return trainer


def _check_resumable(task: IICTask, checkpoint: Checkpoint, num_videos: int, steps: int) -> None:
    if checkpoint.step >= steps:
        raise InputError(
            f"{checkpoint.path}: this run is complete, with {checkpoint.step} steps; "
            "to train further, resume it with more OPTIM.EPOCHS."
        )
    load_networks(task.networks, checkpoint)
    banks = checkpoint.state_dict.get("loss.bank.features")
    if isinstance(banks, torch.Tensor) and banks.shape != task.loss.bank.features.shape:
        raise InputError(
            f"{checkpoint.path}: its memory banks are {tuple(banks.shape)}, this run's would be "
            f"{tuple(task.loss.bank.features.shape)}: the data now hold {num_videos} videos; "
            "resume with the data, views and head that the run began with."
        )
