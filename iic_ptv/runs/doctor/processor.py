"""The processor: how much of it this process may use, and what bfloat16 is worth on it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from iic_ptv.data.preparation.parallel import available_cores
from iic_ptv.runs.doctor.finding import Finding, State

if TYPE_CHECKING:
    from iic_ptv.runs.bfloat16 import WrongLayer

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of containers on Linux
CLIP_SHAPE = (2, 3, 16, 16, 16)  # small, and with the two frames in R3D's last stage that some processors get wrong
WIDTH = 0.125
FEATURES_SHAPE = (2, 64, 8, 28, 28)  # of a layer in the middle of R3D


def look_at_cores() -> list[Finding]:
    """Cores that this process may use, those of the machine, and what a container may use of them."""
    cores = available_cores()
    told = f"{cores} of {os.cpu_count()} for this process"
    quota = read_quota(CPU_QUOTA)
    if quota is None or quota >= cores:
        return [Finding("cores", State.FINE, told)]
    mend = f"set OMP_NUM_THREADS={max(round(quota), 1)}, and DATA.NUM_WORKERS not above it"
    return [Finding("cores", State.NOTE, f"{told}, but the container may use {quota:.1f} at a time", mend)]


def read_quota(file: Path) -> float | None:
    """How many cores a cgroup may use at a time; None if there is no limit or no telling."""
    try:
        allowed, period = file.read_text().split()
    except (OSError, ValueError):
        return None
    return None if allowed == "max" else int(allowed) / int(period)


def look_at_bfloat16() -> list[Finding]:
    """Whether gradients in bfloat16 are right and faster; a look, which a run takes again with its own network."""
    import torch

    from iic_ptv.models import r3d
    from iic_ptv.runs.bfloat16 import wrong_weight_gradients
    from iic_ptv.runs.precision import WORTHWHILE, bfloat16_gain

    channels = FEATURES_SHAPE[1]
    gain = bfloat16_gain(torch.nn.Sequential(torch.nn.Conv3d(channels, channels, 3, padding=1)), FEATURES_SHAPE)
    if not gain:
        return [Finding("bfloat16", State.FINE, "this processor has none; networks train in float32")]
    worth = "worth it" if gain >= WORTHWHILE else "not worth it"
    told = f"{gain:.1f} times as fast as float32, {worth}; a run tries it out with its own network"
    return [Finding("bfloat16", State.FINE, told), _gradients(wrong_weight_gradients(r3d(width=WIDTH), CLIP_SHAPE))]


def _gradients(wrong: Sequence[WrongLayer]) -> Finding:
    if not wrong:
        return Finding("bfloat16 gradients", State.FINE, "those of R3D are right")
    names = ", ".join(layer.name for layer in wrong)
    told = f"this processor gets those of {names} of R3D wrong; commands of iic compute such layers in float32"
    mend = "in a training loop of your own: iic_ptv.runs.bfloat16.keep_wrong_layers_in_float32"
    return Finding("bfloat16 gradients", State.KNOWN, told, mend)
