"""R3D, the backbone of the main experiments of IIC: a residual network of full 3D convolutions."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from iic_ptv.models.layers import Size3d, same_padding
from iic_ptv.models.resnet3d import ONE_EACH, ResNet3d


def conv3d(in_channels: int, out_channels: int, kernel_size: Size3d, stride: Size3d) -> nn.Conv3d:
    """Make a bias-free 3D convolution, padded so that stride 1 keeps T, H and W."""
    return nn.Conv3d(in_channels, out_channels, kernel_size, stride, same_padding(kernel_size), bias=False)


def r3d(
    num_classes: int | None = None,
    features: str = "pooled",
    in_channels: int = 3,
    width: float = 1.0,
    blocks: Sequence[int] = ONE_EACH,
) -> ResNet3d:
    """Build R3D, by default with one block per stage: 14,361,792 parameters without a classifier.

    Args:
        num_classes: size of a linear classifier on the features; ``None`` for a network without one.
        features: ``"pooled"`` (512-d) or ``"map"`` (9216-d for a clip of 16 x 112 x 112).
        in_channels: channels of a clip.
        width: factor on all channels, for smaller machines; ``feature_dim`` is 512 times it.
        blocks: of each of the four stages.

    Returns:
        A backbone for clips ``(B, in_channels, T, H, W)`` of any size.

    Raises:
        InputError: ``features`` is unknown or excluded by ``num_classes``; ``width`` is too small;
            ``blocks`` are not four counts.

    Example:
        >>> r3d()(torch.rand(2, 3, 16, 112, 112)).shape
        torch.Size([2, 512])
    """
    return ResNet3d(conv3d, num_classes, features, in_channels, width, blocks)
