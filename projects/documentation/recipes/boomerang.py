"""An intra-negative of one's own: the first half of a clip, then the same backwards."""

import torch
from torch import Tensor

from iic_ptv.registry import INTRA_NEGATIVES
from iic_ptv.transforms.clip import TIME, Draws, RandomTransform


@INTRA_NEGATIVES.register(name="boomerang")
class Boomerang(RandomTransform):
    """Takes a generator, as all intra-negatives do; there is nothing to draw."""

    def forward(self, clip: Tensor, generator: Draws = None) -> Tensor:
        """Map a clip `(..., C, T, H, W)` to one of the same shape."""
        length = clip.shape[TIME]
        there = torch.arange(length, device=clip.device)
        return clip.index_select(TIME, torch.minimum(there, length - 1 - there))
