"""torchvision's video ResNets without their last layer."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models import video

from iic_ptv.models.backbone import Backbone


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
        rgb_conv = network.stem[0]
        network.stem[0] = nn.Conv3d(
            in_channels,
            rgb_conv.out_channels,
            rgb_conv.kernel_size,
            rgb_conv.stride,
            rgb_conv.padding,
            bias=False,
        )
        nn.init.kaiming_normal_(network.stem[0].weight, mode="fan_out", nonlinearity="relu")
    return TorchvisionBackbone(network, num_classes, features)
