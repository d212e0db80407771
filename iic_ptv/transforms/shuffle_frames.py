"""An intra-negative beyond the paper: a clip whose frames are all out of order."""

from __future__ import annotations

from torch import Tensor

from iic_ptv.transforms.clip import TIME, Draws, RandomTransform, check_clip
from iic_ptv.transforms.shuffle_segments import shuffle_segments


def shuffle_frames(clip: Tensor, generator: Draws = None) -> Tensor:
    """Put the frames of each clip in a random order, drawn per clip; a single frame is left alone.

    Stronger than exchanging two segments, within which things still move as they did: here no motion goes on for long.

    Args:
        clip: ``(..., C, T, H, W)``, any values.
        generator: source of the draws; PyTorch's global one by default.

    Returns:
        A clip of the same shape with the same frames, never in their order where T > 1.
    """
    check_clip(clip)
    num_frames = clip.shape[TIME]
    return clip if num_frames == 1 else shuffle_segments(clip, num_frames, "permute", generator)


class ShuffleFrames(RandomTransform):
    """:func:`shuffle_frames` as a module."""

    def forward(self, clip: Tensor, generator: Draws = None) -> Tensor:
        """Return a clip of the same shape with its frames out of order."""
        return shuffle_frames(clip, generator)
