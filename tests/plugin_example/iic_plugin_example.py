"""A package that adds a view, an intra-negative, a loss and a backbone to iic_ptv by being installed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from iic_ptv.losses import InterIntraNCELoss
from iic_ptv.registry import BACKBONES, INTRA_NEGATIVES, LOSSES, VIEWS


@VIEWS.register(name="grey")
class Grey(nn.Module):
    """The mean of the colours, three times."""

    modality_key = "video"

    def forward(self, clip: Tensor) -> Tensor:
        return clip.mean(dim=-4, keepdim=True).expand_as(clip)


@INTRA_NEGATIVES.register(name="first_frame")
class FirstFrame(nn.Module):
    """The first frame in the place of all."""

    def forward(self, clip: Tensor, generator: Any = None) -> Tensor:
        return clip[..., :1, :, :].expand_as(clip)


@LOSSES.register(name="scaled_nce")
class ScaledNCELoss(InterIntraNCELoss):
    """The paper's loss, doubled."""

    def forward(self, *arguments: Any, **options: Any) -> Any:
        output = super().forward(*arguments, **options)
        return output._replace(loss=2 * output.loss)


@BACKBONES.register
def mean_colors(
    num_classes: int | None = None, features: str = "pooled", in_channels: int = 3, feature_dim: int = 8
) -> nn.Module:
    """A linear map of each frame's mean colour, averaged over time."""
    return MeanColors(num_classes, in_channels, feature_dim)


class MeanColors(nn.Module):
    def __init__(self, num_classes: int | None, in_channels: int, feature_dim: int) -> None:
        super().__init__()
        self.feature_dim = feature_dim
        self.num_classes = num_classes
        self.embedding = nn.Linear(in_channels, feature_dim)
        self.classifier = nn.Linear(feature_dim, num_classes) if num_classes else nn.Identity()

    def forward(self, clip: Tensor) -> Tensor:
        return self.classifier(torch.relu(self.embedding(clip.mean(dim=(-1, -2)).mT)).mean(dim=1))
