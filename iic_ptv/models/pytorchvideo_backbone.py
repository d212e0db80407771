"""PyTorchVideo's hub models as backbones."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from pytorchvideo.models import hub
from torch import Tensor, nn

from iic_ptv.errors import InputError
from iic_ptv.models.backbone import Backbone

SINGLE_PATHWAY = (
    "c2d_r50",
    "csn_r101",
    "i3d_r50",
    "r2plus1d_r50",
    "slow_r50",
    "x3d_l",
    "x3d_m",
    "x3d_s",
    "x3d_xs",
)
SLOWFAST = ("slowfast_16x8_r101_50_50", "slowfast_r101", "slowfast_r50")

FAST_FRAMES_PER_SLOW = 4  # alpha in Feichtenhofer et al., ICCV 2019; fixed by the strides of all hub models


class SlowFastTrunk(nn.Module):
    """Runs both pathways of a SlowFast network on one clip and joins their feature maps.

    The slow pathway sees every fourth frame, from the first on: the frames on which the strided lateral
    convolutions of the fast pathway are centred, whatever T is.

    Args:
        pathways: the network without pooling and head, ``[slow, fast]`` clips -> ``[slow, fast]`` maps.
    """

    def __init__(self, pathways: nn.Module) -> None:
        super().__init__()
        self.pathways = pathways

    def forward(self, clip: Tensor) -> Tensor:
        """Map clips ``(B, C, T, H, W)`` to ``(B, D_slow + D_fast, T', H', W')`` at the slow frame rate."""
        slow, fast = self.pathways([clip[:, :, ::FAST_FRAMES_PER_SLOW], clip])
        return torch.cat([slow, F.adaptive_avg_pool3d(fast, slow.shape[2:])], dim=1)


class PyTorchVideoBackbone(Backbone):
    """A PyTorchVideo network without its classifier, for clips of any size.

    Args:
        trunk: maps clips to the last feature map.
        pooling: what the network does between that map and its classifier: an average, or X3D's
            convolutions around one.
        feature_dim: channels after ``pooling``.
        num_classes: see :class:`~iic_ptv.models.backbone.Backbone`.
        features: likewise.
    """

    def __init__(
        self,
        trunk: nn.Module,
        pooling: nn.Module,
        feature_dim: int,
        num_classes: int | None = None,
        features: str = "pooled",
    ) -> None:
        super().__init__(feature_dim, num_classes, features)
        self.trunk = trunk
        self.pooling = pooling

    def feature_map(self, clip: Tensor) -> Tensor:
        """Map clips ``(B, C, T, H, W)`` to the output of the last stage."""
        return self.trunk(clip)

    def pool(self, feature_map: Tensor) -> Tensor:
        """Reduce a feature map to ``(B, feature_dim)`` as the network does before its classifier."""
        return self.pooling(feature_map).flatten(1)


def pytorchvideo_backbone(
    name: str, num_classes: int | None = None, features: str = "pooled", in_channels: int = 3, **options: Any
) -> PyTorchVideoBackbone:
    """Build a network of ``pytorchvideo.models.hub`` by its name there.

    The pooling of the hub models has the size of the clips they were published with; here it covers
    whatever comes. At that size the pooled features are the ones that the hub model classifies. The
    feature map is the output of the last stage; SlowFast's pathways are joined at the slow frame rate.

    Left out are the detection models, which need boxes, and MViT, whose positional encodings are made
    for one clip size.

    Args:
        name: such as ``"slow_r50"``, ``"x3d_s"`` or ``"slowfast_r50"``.
        num_classes: size of a linear classifier on the features; ``None`` for a network without one.
        features: ``"pooled"`` or ``"map"``.
        in_channels: channels of a clip.
        options: go to the hub function, for instance ``pretrained=True``.

    Returns:
        A backbone for clips ``(B, in_channels, T, H, W)``.

    Raises:
        InputError: there is no such model here; ``features`` is unknown or excluded by ``num_classes``.

    Example:
        >>> pytorchvideo_backbone("x3d_s")(torch.rand(2, 3, 13, 160, 160)).shape
        torch.Size([2, 2048])
    """
    if name in SINGLE_PATHWAY:
        network = getattr(hub, name)(input_channel=in_channels, **options)
        head = network.blocks.pop(-1)
        return PyTorchVideoBackbone(network, global_pooling(head.pool), head.proj.in_features, num_classes, features)
    if name in SLOWFAST:
        network = getattr(hub, name)(input_channels=(in_channels, in_channels), **options)
        head = network.blocks.pop(-1)
        network.blocks.pop(-1)  # averages each pathway over a fixed window; the trunk joins the maps instead
        trunk = SlowFastTrunk(network)
        return PyTorchVideoBackbone(trunk, nn.AdaptiveAvgPool3d(1), head.proj.in_features, num_classes, features)
    raise InputError(
        f"PyTorchVideo: there is no backbone '{name}'; choose one of {', '.join(SINGLE_PATHWAY + SLOWFAST)}."
    )


def global_pooling(pooling: nn.Module) -> nn.Module:
    """Replace the average over a fixed window, ``pooling`` or inside it, by one over the whole map."""
    if isinstance(pooling, nn.AvgPool3d):
        return nn.AdaptiveAvgPool3d(1)
    pooling.pool = nn.AdaptiveAvgPool3d(1)  # X3D: a convolution before the average and one after it
    return pooling
