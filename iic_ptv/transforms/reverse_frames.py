"""An intra-negative beyond the paper: the clip played backwards."""

from __future__ import annotations

from torch import Tensor

from iic_ptv.transforms.clip import TIME, Draws, RandomTransform, check_clip


def reverse_frames(clip: Tensor) -> Tensor:
    """Play a clip ``(..., C, T, H, W)`` backwards. Nothing is drawn."""
    check_clip(clip)
    return clip.flip(TIME)


class ReverseFrames(RandomTransform):
    """:func:`reverse_frames` as a module; takes a generator like the other intra-negatives and draws nothing."""

    def forward(self, clip: Tensor, generator: Draws = None) -> Tensor:
        """Return the clip played backwards, of the same shape."""
        return reverse_frames(clip)
