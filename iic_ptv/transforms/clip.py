"""What every transform shares: the shape of a clip and draws that are made once per clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from iic_ptv.errors import InputError

TIME = -3  # axis of the frames in (..., C, T, H, W)

Draws = torch.Generator | Sequence[torch.Generator] | None
"""Where a transform's draws come from: one generator, one for each clip of a batch ``(B, C, T, H, W)``, or, for None,
PyTorch's global one. With generators of its own, a clip is treated the same in a batch as alone."""


class RandomTransform(nn.Module):
    """A transform that draws once per clip: ``forward(clip, generator=None)``, see :data:`Draws`."""


def check_clip(clip: Tensor, floating: bool = False) -> None:
    """Refuse what is not a clip.

    Args:
        clip: should be ``(..., C, T, H, W)``.
        floating: refuse integer clips too, for arithmetic that would wrap around.

    Raises:
        InputError: the clip has fewer than four axes, no frames, or is of integers where it may not be.
    """
    if clip.dim() < 4 or clip.shape[TIME] == 0:
        raise InputError(f"expected a clip (..., C, T, H, W) with at least one frame, got shape {tuple(clip.shape)}.")
    if floating and not clip.is_floating_point():
        raise InputError(f"expected a clip of floating-point numbers, got {clip.dtype}; apply `to_float` first.")


def batch_shape(clip: Tensor) -> torch.Size:
    """The axes before ``(C, T, H, W)``: empty for one clip, ``(B,)`` for a batch."""
    return clip.shape[:-4]


def constant(values: Sequence[Any], like: Tensor) -> Tensor:
    """Known numbers as a tensor of the type, and on the device, of another, without waiting for the device."""
    return torch.tensor(values, dtype=like.dtype).to(like.device, non_blocking=True)


def per_clip(values: Tensor) -> Tensor:
    """Give ``values``, one per clip, four more axes so that they broadcast over ``(C, T, H, W)``."""
    return values[..., None, None, None, None]


def draw(clip: Tensor, generator: Draws, sample: Callable[..., Tensor]) -> Tensor:
    """Draw for every clip, on the clip's device.

    Args:
        clip: ``(..., C, T, H, W)``.
        generator: source of the draws.
        sample: ``sample(shape, generator=..., device=...)`` draws for clips of the batch shape given.

    Raises:
        InputError: there are several generators, and not one for each clip.
    """
    if isinstance(generator, Sequence):
        if clip.shape[:-4] != (len(generator),):
            raise InputError(f"{len(generator)} generators cannot serve clips of shape {tuple(clip.shape)}.")
        draws = torch.stack([sample((), generator=each, device=each.device) for each in generator])
    else:
        device = clip.device if generator is None else generator.device
        draws = sample(batch_shape(clip), generator=generator, device=device)
    return draws.to(clip.device, non_blocking=True)


def draw_integers(clip: Tensor, high: int, generator: Draws) -> Tensor:
    """Draw one integer per clip, uniform over ``0 .. high - 1``, on the clip's device."""
    return draw(clip, generator, partial(torch.randint, high))


def draw_uniform(clip: Tensor, low: float, high: float, generator: Draws) -> Tensor:
    """Draw one number per clip, uniform over ``[low, high)``, on the clip's device."""
    return draw(clip, generator, torch.rand).mul(high - low).add(low)


def draw_event(clip: Tensor, probability: float, generator: Draws) -> Tensor:
    """Draw one truth value per clip that is true with ``probability``, on the clip's device."""
    return draw_uniform(clip, 0.0, 1.0, generator) < probability


def reorder_frames(clip: Tensor, order: Tensor) -> Tensor:
    """Take the frames of each clip in its own order.

    Args:
        clip: ``(..., C, T, H, W)``.
        order: frame numbers ``(..., T')``, one row per clip.

    Returns:
        ``(..., C, T', H, W)``, frame ``t`` being frame ``order[..., t]`` of the clip.
    """
    channels, _, height, width = clip.shape[-4:]
    index = order[..., None, :, None, None].expand(*order.shape[:-1], channels, order.shape[-1], height, width)
    return clip.gather(TIME, index)
