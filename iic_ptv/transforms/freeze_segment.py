"""An intra-negative beyond the paper: a clip that stands still for a while."""

from __future__ import annotations

import torch
from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.transforms.clip import TIME, Draws, RandomTransform, check_clip, draw_integers, reorder_frames


def freeze_segment(clip: Tensor, share: float = 0.5, generator: Draws = None) -> Tensor:
    """Show the first frame of a segment, drawn per clip, in the place of the whole segment.

    Harder to tell from the clip than one frame repeated throughout: what comes before and after moves as it did.

    Args:
        clip: ``(..., C, T, H, W)``, any values.
        share: how long the segment is, as a share of the clip; at least two frames, where there are two.
        generator: source of the draws; PyTorch's global one by default.

    Returns:
        A clip of the same shape. The segment lies anywhere within the clip, all places being equally likely.

    Raises:
        InputError: the share is not in (0, 1].
    """
    check_clip(clip)
    if not 0 < share <= 1:
        raise InputError(f"freeze_segment: share must be above 0 and at most 1, got {share}.")
    num_frames = clip.shape[TIME]
    length = min(max(2, round(share * num_frames)), num_frames)
    start = draw_integers(clip, num_frames - length + 1, generator)[..., None]
    frame = torch.arange(num_frames, device=clip.device)
    return reorder_frames(clip, torch.where((frame >= start) & (frame < start + length), start, frame))


class FreezeSegment(RandomTransform):
    """:func:`freeze_segment` as a module."""

    def __init__(self, share: float = 0.5) -> None:
        super().__init__()
        self.share = share

    def forward(self, clip: Tensor, generator: Draws = None) -> Tensor:
        """Return a clip of the same shape that stands still for a while."""
        return freeze_segment(clip, self.share, generator)

    def extra_repr(self) -> str:
        """Show the option."""
        return f"share={self.share}"
