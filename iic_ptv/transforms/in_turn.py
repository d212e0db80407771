"""Transforms that draw, one after the other: composed intra-negatives."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from iic_ptv.transforms.clip import Draws, RandomTransform


class InTurn(RandomTransform):
    """Apply transforms to a clip one after the other, which draw from the same source.

    Args:
        transforms: each ``(clip, generator) -> clip``, as intra-negatives are.

    Example:
        >>> shuffled_then_rotated = InTurn([ShuffleSegments(), RotateFrames()])
        >>> shuffled_then_rotated(torch.rand(2, 3, 16, 112, 112)).shape
        torch.Size([2, 3, 16, 112, 112])
    """

    def __init__(self, transforms: Iterable[nn.Module]) -> None:
        super().__init__()
        self.transforms = nn.ModuleList(transforms)

    def forward(self, clip: Tensor, generator: Draws = None) -> Tensor:
        """Return the clip after the last of them."""
        for transform in self.transforms:
            clip = transform(clip, generator)
        return clip
