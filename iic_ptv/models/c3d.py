"""C3D with BatchNorm: eight 3D convolutions and a global average in place of the fully connected layers."""

from __future__ import annotations

from torch import Tensor, nn

from iic_ptv.models.backbone import Backbone
from iic_ptv.models.layers import conv_bn_relu, max_pool3d, scale_channels

STAGE_CHANNELS = (64, 128, 256, 512, 512)


def conv_stage(in_channels: int, out_channels: int, num_convs: int) -> nn.Sequential:
    """Stack 3 x 3 x 3 convolutions with bias, each followed by BatchNorm and ReLU."""
    sources = [in_channels] + [out_channels] * (num_convs - 1)
    return nn.Sequential(
        *[conv_bn_relu(nn.Conv3d(source, out_channels, 3, padding=1), out_channels) for source in sources]
    )


class C3D(Backbone):
    """Five stages of 1, 1, 2, 2 and 2 convolutions with max-pooling between them.

    Tran et al., "Learning Spatiotemporal Features with 3D Convolutional Networks", ICCV 2015. The first
    pooling keeps T. A clip of 16 x 112 x 112 becomes a map of 2 x 7 x 7. For the initial weights see
    :class:`~iic_ptv.models.resnet3d.ResNet3d`.

    Args:
        num_classes: see :class:`~iic_ptv.models.backbone.Backbone`.
        features: likewise.
        in_channels: channels of a clip.
        width: factor on the channels of all stages.

    Raises:
        InputError: as ``Backbone``; or ``width`` leaves a stage without channels.
    """

    def __init__(
        self, num_classes: int | None = None, features: str = "pooled", in_channels: int = 3, width: float = 1.0
    ) -> None:
        channels = scale_channels(STAGE_CHANNELS, width)
        super().__init__(channels[-1], num_classes, features)
        self.layer1 = conv_stage(in_channels, channels[0], num_convs=1)
        self.layer2 = conv_stage(channels[0], channels[1], num_convs=1)
        self.layer3 = conv_stage(channels[1], channels[2], num_convs=2)
        self.layer4 = conv_stage(channels[2], channels[3], num_convs=2)
        self.layer5 = conv_stage(channels[3], channels[4], num_convs=2)

    def feature_map(self, clip: Tensor) -> Tensor:
        """Map clips ``(B, C, T, H, W)`` to ``(B, feature_dim, T/8, H/16, W/16)``, rounded down but never to 0."""
        x = max_pool3d(self.layer1(clip), window=(1, 2, 2))
        for stage in (self.layer2, self.layer3, self.layer4):
            x = max_pool3d(stage(x), window=(2, 2, 2))
        return self.layer5(x)


def c3d(num_classes: int | None = None, features: str = "pooled", in_channels: int = 3, width: float = 1.0) -> C3D:
    """Build C3D: 27.7 million parameters without a classifier.

    Args:
        num_classes: size of a linear classifier on the features; ``None`` for a network without one.
        features: ``"pooled"`` (512-d) or ``"map"`` (9216-d for a clip of 16 x 112 x 112).
        in_channels: channels of a clip.
        width: factor on all channels, for smaller machines; ``feature_dim`` is 512 times it.

    Returns:
        A backbone for clips ``(B, in_channels, T, H, W)`` of any size.

    Raises:
        InputError: ``features`` is unknown or excluded by ``num_classes``; ``width`` is too small.
    """
    return C3D(num_classes, features, in_channels, width)
