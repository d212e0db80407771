"""Memory banks: one remembered feature per video and kind of view."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iic_ptv.distributed import gather
from iic_ptv.losses.initial_rows import draw_seed, fill_with_initial_rows


class MemoryBank(nn.Module):
    """Remembered features of ``num_videos`` videos, in ``num_banks`` banks (the paper's M1, M2, Mn).

    The buffer ``features`` has the shape ``(num_banks, num_videos, feature_dim)`` and is part of the state dict.
    Rows start uniform in [-s, s] with s = 1 / sqrt(feature_dim / 3), so their expected squared norm is one.

    Args:
        num_banks: one for each view, and one for each kind of intra-negatives.
        num_videos: N; a sample's index is its row.
        feature_dim: D.
        momentum: the share of the old row that an update keeps.
        dtype: what rows are kept in; they are mixed and compared in float32 in any case.
    """

    features: Tensor

    def __init__(
        self,
        num_banks: int,
        num_videos: int,
        feature_dim: int,
        momentum: float = 0.5,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("features", torch.empty(num_banks, num_videos, feature_dim, dtype=dtype))
        fill_with_initial_rows(self.features, draw_seed())

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(num_banks, N, D)``."""
        num_banks, num_videos, feature_dim = self.features.shape
        return num_banks, num_videos, feature_dim

    @property
    def held_rows(self) -> range:
        """The rows that ``features`` has: all."""
        return range(self.shape[1])

    def lookup(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Where the features of rows ``(B, R)`` are.

        Returns:
            Features ``(num_banks, M, D)``, here the banks themselves, which the next update changes; and the place
            ``(B, R)`` of each row among the M.
        """
        return self.features, rows

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
        features, index = gather(features, dim=1), gather(index, dim=0)
        mix_into(self.features, features, index, self.momentum if momentum is None else momentum)

    def extra_repr(self) -> str:
        """Show the size."""
        return "{} banks of {} x {}, momentum={}".format(*self.shape, self.momentum)


def mix_into(banks: Tensor, features: Tensor, index: Tensor, momentum: float) -> None:
    """Mix features ``(num_banks, B, D)`` into rows ``(B,)`` of banks ``(num_banks, N, D)``.

    Of features that have the same row the one that stands last counts.
    """
    features = features[:, _last_occurrence(index)]
    mixed = banks[:, index].to(features.dtype).mul_(momentum).add_(features, alpha=1 - momentum)
    # Equal indices write equal rows.
    banks[:, index] = F.normalize(mixed, dim=-1).to(banks.dtype)


def _last_occurrence(index: Tensor) -> Tensor:
    """For every position the last position that holds the same index, without waiting for the device."""
    in_order, position = index.sort(stable=True)
    return position[torch.searchsorted(in_order, index, right=True) - 1]
