"""The RGB view: the clip as it is."""

from __future__ import annotations

from torch import Tensor, nn


class RGB(nn.Module):
    """View 1 of the paper: the clip itself, ``(..., 3, T, H, W)``, unchanged."""

    modality_key = "video"

    def forward(self, clip: Tensor) -> Tensor:
        """Return the clip."""
        return clip
