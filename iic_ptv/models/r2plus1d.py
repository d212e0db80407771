"""R(2+1)D: R3D with every 3D convolution factored into a spatial and a temporal one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from iic_ptv.models.layers import Size3d, same_padding
from iic_ptv.models.resnet3d import ONE_EACH, ResNet3d


def mid_channels(in_channels: int, out_channels: int, kernel_size: Size3d) -> int:
    """Channels between the two factors that bring their weights nearest to, and not above, a full convolution's.

    ``floor(kt kh kw i o / (kh kw i + kt o))`` (Tran et al., CVPR 2018, section 3.5), at least 1.
    """
    time, height, width = kernel_size
    full = time * height * width * in_channels * out_channels
    return max(1, full // (height * width * in_channels + time * out_channels))


def factored_conv3d(in_channels: int, out_channels: int, kernel_size: Size3d, stride: Size3d) -> nn.Sequential:
    """Make a convolution over space, BatchNorm, ReLU and a convolution over time, bias-free, same-padded."""
    middle = mid_channels(in_channels, out_channels, kernel_size)
    pad_time, pad_height, pad_width = same_padding(kernel_size)
    spatial = nn.Conv3d(
        in_channels, middle, (1, *kernel_size[1:]), (1, *stride[1:]), (0, pad_height, pad_width), bias=False
    )
    temporal = nn.Conv3d(middle, out_channels, (kernel_size[0], 1, 1), (stride[0], 1, 1), (pad_time, 0, 0), bias=False)
    return nn.Sequential(
        OrderedDict(spatial=spatial, bn=nn.BatchNorm3d(middle), relu=nn.ReLU(inplace=True), temporal=temporal)
    )


def r2plus1d(
    num_classes: int | None = None,
    features: str = "pooled",
    in_channels: int = 3,
    width: float = 1.0,
    blocks: Sequence[int] = ONE_EACH,
) -> ResNet3d:
    """Build R(2+1)D, by default with one block per stage; the shortcuts are factored, too, as in IIC's experiments.

    Args:
        num_classes: size of a linear classifier on the features; ``None`` for a network without one.
        features: ``"pooled"`` (512-d) or ``"map"`` (9216-d for a clip of 16 x 112 x 112).
        in_channels: channels of a clip.
        width: factor on the channels of all stages, for smaller machines; ``feature_dim`` is 512 times it.
        blocks: of each of the four stages.

    Returns:
        A backbone for clips ``(B, in_channels, T, H, W)`` of any size.

    Raises:
        InputError: ``features`` is unknown or excluded by ``num_classes``; ``width`` is too small;
            ``blocks`` are not four counts.
    """
    return ResNet3d(factored_conv3d, num_classes, features, in_channels, width, blocks)
