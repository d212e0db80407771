"""The intra-negative "frame repeating": a clip in which nothing moves."""

from __future__ import annotations

from torch import Tensor

from iic_ptv.transforms.clip import TIME, Draws, RandomTransform, check_clip, draw_integers, reorder_frames


def repeat_frame(clip: Tensor, generator: Draws = None) -> Tensor:
    """Repeat one frame, drawn uniformly per clip, over the whole clip.

    Args:
        clip: ``(..., C, T, H, W)``, any values.
        generator: source of the draws; PyTorch's global one by default.

    Returns:
        A clip of the same shape; its appearance is the clip's, its motion is gone.
    """
    check_clip(clip)
    num_frames = clip.shape[TIME]
    frame = draw_integers(clip, num_frames, generator)
    return reorder_frames(clip, frame[..., None].expand(*frame.shape, num_frames))


class RepeatFrame(RandomTransform):
    """:func:`repeat_frame` as a module."""

    def forward(self, clip: Tensor, generator: Draws = None) -> Tensor:
        """Return a clip of the same shape that shows one of its frames."""
        return repeat_frame(clip, generator)
