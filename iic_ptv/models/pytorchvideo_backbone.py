"""PyTorchVideo's hub models as backbones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from pytorchvideo.layers.swish import Swish
from pytorchvideo.models import hub
from pytorchvideo.models.resnet import ResBlock
from pytorchvideo.models.stem import ResNetBasicStem
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
        # Height and width are those of the slow map. Over one axis of two, pooling can be brought to ONNX.
        pooled = F.adaptive_avg_pool2d(fast.flatten(3), (slow.shape[2], slow.shape[3] * slow.shape[4]))
        return torch.cat([slow, pooled.unflatten(3, slow.shape[3:])], dim=1)


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

    @property
    def stages(self) -> Sequence[nn.Module]:
        """The stem and the residual blocks; for SlowFast those of both pathways."""
        return [module for module in self.trunk.modules() if isinstance(module, (ResNetBasicStem, ResBlock))]

    def feature_map(self, clip: Tensor) -> Tensor:
        """Map clips ``(B, C, T, H, W)`` to the output of the last stage."""
        return self.trunk(clip)

    def pool(self, feature_map: Tensor) -> Tensor:
        """Reduce a feature map to ``(B, feature_dim)`` as the network does before its classifier."""
        return self.pooling(feature_map).flatten(1)


def pytorchvideo_backbone(
    name: str,
    num_classes: int | None = None,
    features: str = "pooled",
    in_channels: int = 3,
    stem_frames: int | None = None,
    **options: Any,
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
        stem_frames: frames that the first convolution covers, where that is not as in the hub: PyTorchVideo's trainer
            pre-trains a ``slow_r50`` of 3. An odd number.
        options: go to the hub function, for instance ``pretrained=True``.

    Returns:
        A backbone for clips ``(B, in_channels, T, H, W)``.

    Raises:
        InputError: there is no such model here; ``features`` is unknown or excluded by ``num_classes``;
            ``stem_frames`` is even, or the first convolution is not a single one.

    Example:
        >>> pytorchvideo_backbone("x3d_s")(torch.rand(2, 3, 13, 160, 160)).shape
        torch.Size([2, 2048])
    """
    if name in SINGLE_PATHWAY:
        network = getattr(hub, name)(input_channel=in_channels, **options)
        _replace_swish(network)
        head = network.blocks.pop(-1)
        if stem_frames is not None:
            network.blocks[0].conv = _covering(stem_frames, network.blocks[0].conv, name)
        return PyTorchVideoBackbone(network, global_pooling(head.pool), head.proj.in_features, num_classes, features)
    if name in SLOWFAST:
        if stem_frames is not None:
            raise InputError(f"stem_frames: {name} has a first convolution for each pathway; leave this option out.")
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


def _replace_swish(network: nn.Module) -> None:
    """Put PyTorch's SiLU in the place of PyTorchVideo's Swish: the same without Python, which no TorchScript holds."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, Swish):
                setattr(module, name, nn.SiLU())


def _covering(frames: int, conv: nn.Module, name: str) -> nn.Conv3d:
    """A new convolution like a bias-free one, but over so many frames."""
    if not isinstance(conv, nn.Conv3d):
        raise InputError(f"stem_frames: the first convolution of {name} is not a single one; leave this option out.")
    if frames % 2 == 0:
        raise InputError(f"stem_frames: expected an odd number; got {frames}.")
    kernel, padding = (frames, *conv.kernel_size[1:]), (frames // 2, *conv.padding[1:])
    return nn.Conv3d(conv.in_channels, conv.out_channels, kernel, conv.stride, padding, bias=False)  # type: ignore[arg-type]
