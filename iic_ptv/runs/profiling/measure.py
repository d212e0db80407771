"""Profiling a pre-training: its first steps, made as in a run."""

from __future__ import annotations

import platform
import tempfile
from pathlib import Path

import torch
from fvcore.common.config import CfgNode
from lightning.pytorch import Trainer

from iic_ptv.data.preparation.parallel import available_cores
from iic_ptv.runs.precision import AUTO
from iic_ptv.runs.pretraining.pretrain import ready_to_pretrain
from iic_ptv.runs.profiling.operations import matrix_product_speed
from iic_ptv.runs.profiling.step_profile import Setting, StepProfile
from iic_ptv.runs.profiling.steps import WatchSteps
from iic_ptv.runs.training import peak_memory_gb

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def profile_pretraining(cfg: CfgNode, watched: WatchSteps) -> StepProfile:
    """Make the first steps of a pre-training, in this process, and keep nothing of it but the profile.

    Args:
        cfg: the configuration, in which the precision is chosen.
        watched: watches the steps.

    Raises:
        InputError: something in the configuration or the data cannot be used.
    """
    cfg.OPTIM.EPOCHS = max(cfg.OPTIM.EPOCHS, watched.total_steps(on_gpu=True))  # of at least a step each
    cfg.TRAINER.DEVICES = "1"
    cfg.ONLINE_KNN.EVERY = 0
    cfg.LOSS.FILL_BANKS = False
    precision_was_chosen = cfg.TRAINER.PRECISION == AUTO
    with tempfile.TemporaryDirectory() as folder:
        training, task, data = ready_to_pretrain(cfg, Path(folder), "profiling", [watched])
        on_gpu = training.trainer.strategy.root_device.type == "cuda"
        training.rehearse(task, data, watched.total_steps(on_gpu))
    setting = _setting(cfg, training.trainer, precision_was_chosen)
    memory_gb = peak_memory_gb()  # before matrices are multiplied
    peaks = {
        name: matrix_product_speed(training.trainer.strategy.root_device, DTYPES[name])
        for name in dict.fromkeys(("float32", "bfloat16", setting.dtype))
    }
    return StepProfile(
        setting,
        watched.laps,
        watched.seconds,
        watched.operations,
        peaks,
        watched.convolution_share,
        memory_gb,
        watched.device_memory,
    )


def _setting(cfg: CfgNode, trainer: Trainer, precision_was_chosen: bool) -> Setting:
    device = trainer.strategy.root_device
    on_gpu = device.type == "cuda"
    return Setting(
        device=torch.cuda.get_device_name(device) if on_gpu else f"{device.type} ({platform.machine()})",
        on_gpu=on_gpu,
        precision=cfg.TRAINER.PRECISION,
        precision_was_chosen=precision_was_chosen,
        channels_last=cfg.TRAINER.CHANNELS_LAST,
        compiled=bool(cfg.TRAINER.COMPILE),
        batch_size=cfg.OPTIM.BATCH_SIZE,
        accumulate=cfg.OPTIM.ACCUMULATE,
        num_workers=cfg.DATA.NUM_WORKERS,
        num_cores=available_cores(),
        device_memory=torch.cuda.get_device_properties(device).total_memory if on_gpu else 0,
    )
