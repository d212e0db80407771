"""torchvision's video networks without their last layer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn
from torchvision.models import video

from iic_ptv.models.backbone import Backbone
from iic_ptv.models.layers import Size3d, max_pool3d

S3D_FEATURES = 1024
S3D_LAST_POOLING = 13  # its place in torchvision's S3D


class TorchvisionBackbone(Backbone):
    """The stem and stages of a torchvision ``VideoResNet``, under the names they have there.

    Args:
        network: the network whose stem and stages become this one's; it is taken apart.
        num_classes: see :class:`~iic_ptv.models.backbone.Backbone`.
        features: likewise.
    """

    def __init__(self, network: video.VideoResNet, num_classes: int | None = None, features: str = "pooled") -> None:
        super().__init__(network.fc.in_features, num_classes, features)
        self.stem = network.stem
        self.layer1 = network.layer1
        self.layer2 = network.layer2
        self.layer3 = network.layer3
        self.layer4 = network.layer4

    @property
    def stages(self) -> Sequence[nn.Module]:
        """The stem and the blocks."""
        return [self.stem, *self.layer1, *self.layer2, *self.layer3, *self.layer4]

    def feature_map(self, clip: Tensor) -> Tensor:
        """Map clips ``(B, C, T, H, W)`` to ``(B, feature_dim, T/8, H/16, W/16)``, rounded up."""
        x = self.stem(clip)
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


def r3d_18(num_classes: int | None = None, features: str = "pooled", in_channels: int = 3) -> TorchvisionBackbone:
    """Build torchvision's ``r3d_18``, randomly initialised: 33.2 million parameters without a classifier.

    It is the "Res18-3D" of the paper: R3D with two blocks per stage.

    Args:
        num_classes: size of a linear classifier on the features; ``None`` for a network without one.
        features: ``"pooled"`` (512-d) or ``"map"`` (9216-d for a clip of 16 x 112 x 112).
        in_channels: channels of a clip.

    Returns:
        A backbone for clips ``(B, in_channels, T, H, W)`` of any size.

    Raises:
        InputError: ``features`` is unknown or excluded by ``num_classes``.
    """
    network = video.r3d_18(weights=None)
    if in_channels != 3:
        network.stem[0] = _with_in_channels(network.stem[0], in_channels)
        nn.init.kaiming_normal_(network.stem[0].weight, mode="fan_out", nonlinearity="relu")
    return TorchvisionBackbone(network, num_classes, features)


class FittingMaxPool3d(nn.Module):
    """:func:`~iic_ptv.models.layers.max_pool3d` as a module: maps that are smaller than the window stay.

    Args:
        window: along T, H and W.
    """

    def __init__(self, window: Size3d) -> None:
        super().__init__()
        self.window = window

    def forward(self, feature_map: Tensor) -> Tensor:
        """Pool a map ``(B, D, T, H, W)``."""
        return max_pool3d(feature_map, self.window)

    def extra_repr(self) -> str:
        """Show the option."""
        return f"window={self.window}"


class S3DBackbone(Backbone):
    """What torchvision's S3D does before its pooling; ``trunk`` is what is called ``features`` there.

    Args:
        trunk: maps clips to the last feature map.
        num_classes: see :class:`~iic_ptv.models.backbone.Backbone`.
        features: likewise.
    """

    def __init__(self, trunk: nn.Sequential, num_classes: int | None = None, features: str = "pooled") -> None:
        super().__init__(S3D_FEATURES, num_classes, features)
        self.trunk = trunk

    @property
    def stages(self) -> Sequence[nn.Module]:
        """The layers of the trunk."""
        return [*self.trunk]

    def feature_map(self, clip: Tensor) -> Tensor:
        """Map clips ``(B, C, T, H, W)`` to about ``(B, 1024, T/8, H/32, W/32)``, but never to nothing."""
        return self.trunk(clip)


def s3d(num_classes: int | None = None, features: str = "pooled", in_channels: int = 3) -> S3DBackbone:
    """Build torchvision's ``s3d``, randomly initialised: 7.9 million parameters without a classifier.

    Xie et al., "Rethinking Spatiotemporal Feature Learning", ECCV 2018; the backbone of IICv2. Two things differ from
    torchvision's: the pooling covers the whole map, whatever its size (at 16 x 224 x 224 that is the same), and so
    does the last max-pooling of a map smaller than itself.

    Args:
        num_classes: size of a linear classifier on the features; ``None`` for a network without one.
        features: ``"pooled"`` (1024-d) or ``"map"`` (2048-d for a clip of 16 x 112 x 112).
        in_channels: channels of a clip.

    Returns:
        A backbone for clips ``(B, in_channels, T, H, W)`` of any size.

    Raises:
        InputError: ``features`` is unknown or excluded by ``num_classes``.
    """
    # torchvision's BatchNorm follows the data with 0.001 per step: only after thousands of steps would evaluation see
    # what training sees. PyTorch's own momentum changes nothing of weights that are loaded.
    trunk = video.s3d(weights=None, norm_layer=partial(nn.BatchNorm3d, eps=0.001)).features
    trunk[S3D_LAST_POOLING] = FittingMaxPool3d((2, 2, 2))
    if in_channels != 3:
        trunk[0][0][0] = _with_in_channels(trunk[0][0][0], in_channels)
    return S3DBackbone(trunk, num_classes, features)


def _with_in_channels(conv: Any, in_channels: int) -> nn.Conv3d:
    """A new convolution like a bias-free one, for clips of other channels."""
    return nn.Conv3d(in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, bias=False)
