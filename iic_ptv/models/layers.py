"""The pieces that the 3D convolutional backbones have in common."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from iic_ptv.errors import InputError

Size3d = tuple[int, int, int]  # along (T, H, W)


def conv_bn_relu(conv: nn.Module, channels: int) -> nn.Sequential:
    """Follow a convolution of ``channels`` outputs with BatchNorm and ReLU."""
    return nn.Sequential(OrderedDict(conv=conv, bn=nn.BatchNorm3d(channels), relu=nn.ReLU(inplace=True)))


def same_padding(kernel_size: Size3d) -> Size3d:
    """Padding with which a convolution of odd ``kernel_size`` and stride 1 keeps T, H and W."""
    time, height, width = kernel_size
    return time // 2, height // 2, width // 2


def max_pool3d(feature_map: Tensor, window: Size3d) -> Tensor:
    """Max-pool ``(B, D, T, H, W)`` by ``window``, which shrinks to the map where the map is smaller.

    Rows and columns that do not fill a window are dropped, as the reference code does (7 x 7 becomes
    3 x 3), but small clips never pool away to nothing.
    """
    fitting = [min(wanted, size) for wanted, size in zip(window, feature_map.shape[2:], strict=True)]
    return F.max_pool3d(feature_map, fitting)


def scale_channels(channels: Sequence[int], width: float) -> list[int]:
    """Multiply the channels of each stage by ``width``, rounded.

    Raises:
        InputError: ``width`` is so small that a stage would have no channel.
    """
    scaled = [round(count * width) for count in channels]
    if min(scaled) < 1:
        raise InputError(
            f"width: {width} leaves a stage of {min(channels)} channels with none; "
            f"use at least {1 / min(channels):.3g} (1.0 is the network of the paper)."
        )
    return scaled
