"""The intra-negative of IICv2: a clip rotated in the image plane."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.transforms.clip import Draws, RandomTransform, check_clip, draw_integers, per_clip

ANGLES = (90, 180, 270)


def rotate_frames(clip: Tensor, angles: Sequence[int] = ANGLES, generator: Draws = None) -> Tensor:
    """Rotate all frames of a clip by the same right angle, drawn per clip.

    Args:
        clip: ``(..., C, T, H, W)``, any values; square unless the only angle is 180.
        angles: what to draw from, in degrees counter-clockwise; ``(90,)`` always turns by 90.
        generator: source of the draws; PyTorch's global one by default.

    Returns:
        A clip of the same shape.

    Raises:
        InputError: an angle is none of 90, 180, 270, or the frames are not square.
    """
    check_clip(clip)
    if not angles or not set(angles) <= set(ANGLES):
        raise InputError(f"rotate_frames: angles must be among {ANGLES}, got {tuple(angles)}.")
    if clip.shape[-2] != clip.shape[-1] and set(angles) != {180}:
        raise InputError(
            f"rotate_frames: frames of {clip.shape[-2]} x {clip.shape[-1]} cannot turn by 90 degrees; crop them square."
        )
    choice = per_clip(draw_integers(clip, len(angles), generator))
    rotated = clip.rot90(angles[0] // 90, dims=(-2, -1))
    for number, angle in enumerate(angles[1:], start=1):
        rotated = torch.where(choice == number, clip.rot90(angle // 90, dims=(-2, -1)), rotated)
    return rotated


class RotateFrames(RandomTransform):
    """:func:`rotate_frames` as a module."""

    def __init__(self, angles: Sequence[int] = ANGLES) -> None:
        super().__init__()
        self.angles = tuple(angles)

    def forward(self, clip: Tensor, generator: Draws = None) -> Tensor:
        """Return a clip of the same shape, turned in the image plane."""
        return rotate_frames(clip, self.angles, generator)

    def extra_repr(self) -> str:
        """Show the option."""
        return f"angles={self.angles}"
