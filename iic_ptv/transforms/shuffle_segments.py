"""The intra-negative "temporal shuffling": a clip whose segments are out of order."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.transforms.clip import TIME, Draws, RandomTransform, check_clip, draw, draw_integers, reorder_frames

MODES = ("swap", "permute")


def shuffle_segments(
    clip: Tensor,
    num_segments: int = 4,
    mode: Literal["swap", "permute"] = "swap",
    generator: Draws = None,
) -> Tensor:
    """Cut each clip into segments and put them in another order, drawn per clip.

    Args:
        clip: ``(..., C, T, H, W)``, any values; T need not be a multiple of ``num_segments``, the
            segments then differ in length by one frame.
        num_segments: how many segments, 2 to T; T shuffles single frames.
        mode: ``"swap"`` exchanges two distinct segments, uniform over the pairs, as in the paper.
            ``"permute"`` draws a permutation of all segments; where the identity is drawn, two segments
            drawn at random are swapped instead, so that no clip keeps its order.
        generator: source of the draws; PyTorch's global one by default.

    Returns:
        A clip of the same shape with the same frames, never in their order.

    Raises:
        InputError: no such mode, or a number of segments that the clip cannot be cut into.
    """
    check_clip(clip)
    num_frames = clip.shape[TIME]
    if mode not in MODES:
        raise InputError(f"shuffle_segments: mode must be one of {', '.join(MODES)}, got '{mode}'.")
    if not 2 <= num_segments <= num_frames:
        raise InputError(
            f"shuffle_segments: a clip of {num_frames} frames cannot be shuffled in {num_segments} segments; "
            f"choose num_segments from 2 to the number of frames, or longer clips."
        )
    place = _swap(clip, num_segments, generator)
    if mode == "permute":
        place = _permute(clip, num_segments, generator, otherwise=place)

    # Frames are sorted by the new place of their segment; within a segment they keep their order.
    frame = torch.arange(num_frames, device=clip.device)
    segment = (frame * num_segments).div(num_frames, rounding_mode="floor")
    order = (place[..., segment] * num_frames + frame).argsort(dim=-1)
    return reorder_frames(clip, order)


def _swap(clip: Tensor, num_segments: int, generator: Draws) -> Tensor:
    """The place of every segment ``(..., num_segments)`` after two of them were exchanged."""
    first = draw_integers(clip, num_segments, generator)[..., None]
    second = (first + 1 + draw_integers(clip, num_segments - 1, generator)[..., None]) % num_segments
    segment = torch.arange(num_segments, device=clip.device)
    return torch.where(segment == first, second, torch.where(segment == second, first, segment))


def _permute(clip: Tensor, num_segments: int, generator: Draws, otherwise: Tensor) -> Tensor:
    """A uniform permutation of the segments ``(..., num_segments)``, ``otherwise`` where it is the identity."""
    draws = draw(clip, generator, lambda shape, **options: torch.rand(*shape, num_segments, **options))
    place = draws.argsort(dim=-1)
    identity = (place == torch.arange(num_segments, device=clip.device)).all(dim=-1, keepdim=True)
    return torch.where(identity, otherwise, place)


class ShuffleSegments(RandomTransform):
    """:func:`shuffle_segments` as a module."""

    def __init__(self, num_segments: int = 4, mode: Literal["swap", "permute"] = "swap") -> None:
        super().__init__()
        self.num_segments = num_segments
        self.mode = mode

    def forward(self, clip: Tensor, generator: Draws = None) -> Tensor:
        """Return a clip of the same shape with its segments out of order."""
        return shuffle_segments(clip, self.num_segments, self.mode, generator)

    def extra_repr(self) -> str:
        """Show the options."""
        return f"num_segments={self.num_segments}, mode={self.mode!r}"
