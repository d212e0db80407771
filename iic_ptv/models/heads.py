"""Projection heads: what stands between the backbone and the contrastive loss, and is left out afterwards."""

from __future__ import annotations

from torch import nn


class MLPProjection(nn.Sequential):
    """Linear, ReLU, Linear on ``(B, in_features)``: the head of IICv2 with 512, 512 and 128.

    Args:
        in_features: width of the backbone's pooled features.
        hidden_features: width between the two layers.
        out_features: width of what the loss sees, its ``feature_dim``.

    Example:
        >>> head = MLPProjection(backbone.feature_dim, 512, 128)
        >>> head(backbone(clip)).shape
        torch.Size([2, 128])
    """

    def __init__(self, in_features: int, hidden_features: int, out_features: int) -> None:
        super().__init__(
            nn.Linear(in_features, hidden_features),
            nn.ReLU(inplace=True),
            nn.Linear(hidden_features, out_features),
        )
        self.out_features = out_features
