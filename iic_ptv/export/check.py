"""Is what an exported file computes what the network computes?"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from iic_ptv.errors import InputError

TOLERANCE = 1e-4  # in float32, libraries that add up in another order stay far below
TRACED_BATCH = 2
CHECKED_BATCHES = (1, 3)


def random_clips(batch: int, shape: Sequence[int]) -> Tensor:
    """Clips of noise, uint8 ``(batch, *shape)``, always the same."""
    return torch.randint(256, (batch, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(batch))


def check_finite(features: Sequence[Tensor]) -> None:
    """Refuse a network whose features tell nothing.

    Raises:
        InputError: features are NaN or infinite.
    """
    if not all(bool(each.isfinite().all()) for each in features):
        raise InputError("its features are NaN or infinite: the training has diverged; export an earlier checkpoint.")


def largest_error(expected: Sequence[Tensor], found: Sequence[Tensor]) -> float:
    """How far features are off in the worst case, as a share of their norm.

    Args:
        expected: features ``(B, D)`` of batches of clips.
        found: what was computed otherwise of the same.

    Returns:
        The greatest distance of two vectors over the norm of the expected one; infinite if it is not a number.

    Raises:
        InputError: they are of different shapes.
    """
    worst = 0.0
    for wanted, given in zip(expected, found, strict=True):
        if wanted.shape != given.shape:
            raise InputError(f"the file gives {tuple(given.shape)} where the network gives {tuple(wanted.shape)}.")
        norm = wanted.norm(dim=1).clamp_min(torch.finfo(wanted.dtype).tiny)  # also where all features are 0
        error = (given - wanted).norm(dim=1) / norm
        worst = max(worst, float(error.nan_to_num(nan=torch.inf, posinf=torch.inf).max()))
    return worst
