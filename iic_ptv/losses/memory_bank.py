"""Memory banks: one remembered feature per video and kind of view."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iic_ptv.distributed import gather


class MemoryBank(nn.Module):
    """Remembered features of ``num_videos`` videos, in ``num_banks`` banks (the paper's M1, M2, Mn).

    The buffer ``features`` has the shape ``(num_banks, num_videos, feature_dim)`` and is part of the state dict.
    Rows start uniform in [-s, s] with s = 1 / sqrt(feature_dim / 3), so their expected squared norm is one.

    Args:
        num_banks: one for each view, and one for the intra-negatives where there are any.
        num_videos: N; a sample's index is its row.
        feature_dim: D.
        momentum: the share of the old row that an update keeps.
    """

    features: Tensor

    def __init__(self, num_banks: int, num_videos: int, feature_dim: int, momentum: float = 0.5) -> None:
        super().__init__()
        self.momentum = momentum
        bound = 1 / math.sqrt(feature_dim / 3)
        self.register_buffer("features", torch.empty(num_banks, num_videos, feature_dim).uniform_(-bound, bound))

    @torch.no_grad()
    def update(self, features: Tensor, index: Tensor, momentum: float | None = None) -> None:
        """Mix new features into their rows: ``row <- normalise(momentum * row + (1 - momentum) * feature)``.

        Under ``torch.distributed`` the features of all processes are gathered first, so that every process ends
        with the same banks; each must bring the same number. An index that occurs more than once takes the
        feature that stands last (ranks in order), so the result never depends on the order of memory writes.

        Args:
            features: ``(num_banks, B, D)``.
            index: rows ``(B,)``.
            momentum: in place of the bank's own; 0 replaces the rows.
        """
        features, index = gather(features.to(self.features.dtype), dim=1), gather(index, dim=0)
        momentum = self.momentum if momentum is None else momentum
        features = features[:, _last_occurrence(index)]
        mixed = self.features[:, index].mul_(momentum).add_(features, alpha=1 - momentum)
        # Equal indices write equal rows.
        self.features[:, index] = F.normalize(mixed, dim=-1)

    def extra_repr(self) -> str:
        """Show the size."""
        return "{} banks of {} x {}, momentum={}".format(*self.features.shape, self.momentum)


def _last_occurrence(index: Tensor) -> Tensor:
    """For every position the last position that holds the same index, without waiting for the device."""
    position = torch.arange(len(index), device=index.device)
    return torch.where(index[:, None] == index, position, -1).amax(dim=1)
