"""The residual plan that R3D and R(2+1)D share; they differ in their convolution alone.

Tran et al., "A Closer Look at Spatiotemporal Convolutions for Action Recognition", CVPR 2018, by default with one
block per stage, as in the experiments of IIC. State-dict names are those of torchvision's
``VideoResNet`` with each convolution and BatchNorm by name: ``stem.conv``, ``layer2.0.downsample.0``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from iic_ptv.errors import InputError
from iic_ptv.models.backbone import Backbone
from iic_ptv.models.layers import Size3d, conv_bn_relu, scale_channels

ConvFactory = Callable[[int, int, Size3d, Size3d], nn.Module]
"""``f(in_channels, out_channels, kernel_size, stride)`` -> a bias-free, same-padded 3D convolution."""

STAGE_CHANNELS = (64, 128, 256, 512)
ONE_EACH = (1, 1, 1, 1)  # blocks of the stages in the experiments of IIC


class ResidualBlock(nn.Module):
    """Two 3 x 3 x 3 convolutions beside a shortcut: conv, BN, ReLU, conv, BN, sum, ReLU.

    Args:
        make_conv: makes each convolution, the one of the shortcut included.
        in_channels: channels of the input.
        out_channels: channels of the output.
        stride: of the first convolution, along T, H and W alike; if it is not 1, the shortcut is a
            1 x 1 x 1 convolution of the same stride, followed by BatchNorm.
    """

    def __init__(self, make_conv: ConvFactory, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        strides = (stride, stride, stride)
        self.conv1 = make_conv(in_channels, out_channels, (3, 3, 3), strides)
        self.bn1 = nn.BatchNorm3d(out_channels)
        self.conv2 = make_conv(out_channels, out_channels, (3, 3, 3), (1, 1, 1))
        self.bn2 = nn.BatchNorm3d(out_channels)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1:
            shortcut = make_conv(in_channels, out_channels, (1, 1, 1), strides)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm3d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, in_channels, T, H, W)`` to ``(B, out_channels, T', H', W')``."""
        residual = F.relu(self.bn1(self.conv1(x)), inplace=True)
        residual = self.bn2(self.conv2(residual))
        # In place: what BatchNorm puts out, its backward pass does not need.
        return F.relu(residual.add_(self.downsample(x)), inplace=True)


class ResNet3d(Backbone):
    """A stem of 3 x 7 x 7, stride 1 x 2 x 2, and four residual stages.

    Stages 2 to 4 halve T, H and W in their first block; there is no max-pooling. A clip of 16 x 112 x 112
    becomes a map of 2 x 7 x 7.

    The weights start as PyTorch's layers draw them. A BatchNorm follows every convolution, so the scale
    of the initial weights does not change what the network computes in training, only how far a step
    of SGD turns them: larger weights turn less.

    Args:
        make_conv: makes each convolution of the network.
        num_classes: see :class:`~iic_ptv.models.backbone.Backbone`.
        features: likewise.
        in_channels: channels of a clip.
        width: factor on the channels of all stages (64, 128, 256 and 512 at 1.0).
        blocks: of each of the four stages.

    Raises:
        InputError: as ``Backbone``; ``width`` leaves a stage without channels; ``blocks`` are not four counts.
    """

    def __init__(
        self,
        make_conv: ConvFactory,
        num_classes: int | None = None,
        features: str = "pooled",
        in_channels: int = 3,
        width: float = 1.0,
        blocks: Sequence[int] = ONE_EACH,
    ) -> None:
        channels = scale_channels(STAGE_CHANNELS, width)
        if len(blocks) != len(channels) or not all(type(count) is int and count > 0 for count in blocks):
            raise InputError(f"blocks: expected how many each of the four stages has, like [1, 1, 1, 1]; got {blocks}.")
        super().__init__(channels[-1], num_classes, features)
        self.stem = conv_bn_relu(make_conv(in_channels, channels[0], (3, 7, 7), (1, 2, 2)), channels[0])
        self.layer1 = _stage(make_conv, channels[0], channels[0], 1, blocks[0])
        self.layer2 = _stage(make_conv, channels[0], channels[1], 2, blocks[1])
        self.layer3 = _stage(make_conv, channels[1], channels[2], 2, blocks[2])
        self.layer4 = _stage(make_conv, channels[2], channels[3], 2, blocks[3])

    @property
    def stages(self) -> Sequence[nn.Module]:
        """The stem and the blocks."""
        return [self.stem, *self.layer1, *self.layer2, *self.layer3, *self.layer4]

    def feature_map(self, clip: Tensor) -> Tensor:
        """Map clips ``(B, C, T, H, W)`` to ``(B, feature_dim, T/8, H/16, W/16)``, rounded up."""
        x = self.stem(clip)
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


def _stage(make_conv: ConvFactory, in_channels: int, out_channels: int, stride: int, blocks: int) -> nn.Sequential:
    """Blocks in a row, of which the first changes the size."""
    first = ResidualBlock(make_conv, in_channels, out_channels, stride)
    return nn.Sequential(
        first, *(ResidualBlock(make_conv, out_channels, out_channels, stride=1) for _ in range(blocks - 1))
    )
