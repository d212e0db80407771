"""Optimisers and learning-rate schedules from a configuration."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from fvcore.common.config import CfgNode
from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
)

from iic_ptv.errors import InputError
from iic_ptv.runs.fused_optimizer import optimizer_of

OPTIMIZERS = ("sgd", "adamw")
SCHEDULES = ("multistep", "cosine", "one_cycle", "constant", "plateau")
LR_SCALINGS: dict[str, Callable[[int], float]] = {"none": lambda n: 1.0, "linear": float, "sqrt": math.sqrt}
ONE_CYCLE_RISE = 0.15  # share of a one-cycle schedule in which the rate rises
WATCHED = "val/loss"  # what plateau waits for

MakeSchedule = Callable[[Optimizer], dict[str, Any]]


def learning_rate(cfg: CfgNode, num_devices: int) -> float:
    """``OPTIM.LR``, scaled as ``OPTIM.LR_SCALING`` says for a joint batch of so many devices.

    Linear scaling is that of Goyal et al. (arXiv:1706.02677), to be used with ``OPTIM.WARM_UP``.

    Raises:
        InputError: the rule is unknown.
    """
    rule = cfg.OPTIM.LR_SCALING
    if rule not in LR_SCALINGS:
        raise InputError(f"OPTIM.LR_SCALING: expected one of {', '.join(LR_SCALINGS)}, got '{rule}'.")
    return float(cfg.OPTIM.LR * LR_SCALINGS[rule](num_devices))


def build_optimizer(cfg: CfgNode, num_devices: int = 1) -> Callable[[Iterable[Any]], Optimizer]:
    """What makes the optimiser from parameters or groups of them.

    Raises:
        InputError: ``OPTIM.NAME`` or ``OPTIM.LR_SCALING`` is unknown.
    """
    common = {"lr": learning_rate(cfg, num_devices), "weight_decay": cfg.OPTIM.WEIGHT_DECAY}
    # Lightning clips no gradients in mixed precision that a fused step might have to unscale first.
    fused = not cfg.OPTIM.CLIP_NORM or cfg.TRAINER.PRECISION == "32-true"
    if cfg.OPTIM.NAME == "sgd":
        return partial(optimizer_of, partial(torch.optim.SGD, momentum=cfg.OPTIM.MOMENTUM, **common), fused)
    if cfg.OPTIM.NAME == "adamw":
        return partial(optimizer_of, partial(torch.optim.AdamW, **common), fused)
    raise InputError(f"OPTIM.NAME: expected one of {', '.join(OPTIMIZERS)}, got '{cfg.OPTIM.NAME}'.")


def build_schedule(cfg: CfgNode, total_steps: int, validated_every: int = 0) -> MakeSchedule:
    """What makes the learning rate's schedule from the optimiser, as Lightning takes it.

    All of them are asked after optimiser steps, not after epochs: Lightning writes the checkpoint of an epoch before
    it asks the schedules of epochs, and a run that resumes from it would go on with the rates of the epoch before.

    Args:
        cfg: the configuration.
        total_steps: optimiser steps of the whole run.
        validated_every: batches from one validation, which plateau watches, to the next; 0: there is none.

    Raises:
        InputError: ``OPTIM.SCHEDULE`` is unknown, or cannot be had in this run.
    """
    name = cfg.OPTIM.SCHEDULE
    if name not in SCHEDULES:
        raise InputError(f"OPTIM.SCHEDULE: expected one of {', '.join(SCHEDULES)}, got '{name}'.")
    if name == "plateau" and not validated_every:
        raise InputError(
            "OPTIM.SCHEDULE: plateau waits for the loss of validation videos, and there are none; "
            "take cosine, multistep, one_cycle or constant."
        )
    if name == "plateau" and cfg.OPTIM.GAMMA >= 1:
        raise InputError(f"OPTIM.GAMMA: plateau multiplies the rate by it; it must be below 1, not {cfg.OPTIM.GAMMA}.")
    if cfg.OPTIM.WARM_UP and name in ("plateau", "one_cycle"):
        raise InputError(f"OPTIM.WARM_UP: {name} has no warm-up; take cosine, multistep or constant, or leave it at 0.")
    if name == "plateau":
        return partial(_plateau, cfg, validated_every)
    return lambda optimizer: {"scheduler": _by_step(cfg, optimizer, total_steps), "interval": "step"}


def _plateau(cfg: CfgNode, every: int, optimizer: Optimizer) -> dict[str, Any]:
    schedule = ReduceLROnPlateau(
        optimizer, factor=cfg.OPTIM.GAMMA, patience=cfg.OPTIM.PATIENCE, min_lr=cfg.OPTIM.MIN_LR
    )
    return {"scheduler": schedule, "interval": "step", "frequency": every, "monitor": WATCHED}


def _by_step(cfg: CfgNode, optimizer: Optimizer, total_steps: int) -> LRScheduler:
    if cfg.OPTIM.SCHEDULE == "one_cycle":
        # The momentum stays as configured: a second cycle would be one more thing to tune.
        rates = [group["lr"] for group in optimizer.param_groups]
        return OneCycleLR(optimizer, rates, total_steps + 1, pct_start=ONE_CYCLE_RISE, cycle_momentum=False)
    per_epoch = total_steps / cfg.OPTIM.EPOCHS
    warm_up = min(round(cfg.OPTIM.WARM_UP * per_epoch), total_steps)
    if not warm_up:
        return _after_warm_up(cfg, optimizer, total_steps, per_epoch, 0)
    rise = LinearLR(optimizer, start_factor=1 / (warm_up + 1), total_iters=warm_up)
    then = _after_warm_up(cfg, optimizer, total_steps, per_epoch, warm_up)
    return SequentialLR(optimizer, [rise, then], milestones=[warm_up])


def _after_warm_up(cfg: CfgNode, optimizer: Optimizer, total_steps: int, per_epoch: float, warm_up: int) -> LRScheduler:
    if cfg.OPTIM.SCHEDULE == "cosine":
        return CosineAnnealingLR(optimizer, T_max=max(total_steps - warm_up, 1), eta_min=cfg.OPTIM.MIN_LR)
    if cfg.OPTIM.SCHEDULE == "multistep":
        milestones = [max(round(epoch * per_epoch) - warm_up, 0) for epoch in cfg.OPTIM.MILESTONES]
        return MultiStepLR(optimizer, milestones, gamma=cfg.OPTIM.GAMMA)
    return ConstantLR(optimizer, factor=1.0)
