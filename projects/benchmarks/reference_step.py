"""A training step of IIC, straight from the description of the reference: what speed is compared with.

Three forward passes, all with a graph; intra-negatives made clip by clip; K + 1 rows copied out of each of three banks;
float32. Nothing here is for use.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ReferenceLoss(nn.Module):
    """The loss with memory banks, from copies of the rows.

    Args:
        num_videos: N.
        feature_dim: D.
        num_negatives: K.
        temperature: tau.
        momentum: share of the old row that an update keeps.
        normalize: L2-normalise the features.
    """

    bank_1: Tensor
    bank_2: Tensor
    bank_n: Tensor

    def __init__(
        self,
        num_videos: int,
        feature_dim: int,
        num_negatives: int = 1024,
        temperature: float = 0.07,
        momentum: float = 0.5,
        normalize: bool = True,
    ) -> None:
        super().__init__()
        self.num_negatives = num_negatives
        self.temperature = temperature
        self.momentum = momentum
        self.normalize = normalize
        bound = (feature_dim / 3) ** -0.5
        for name in ("bank_1", "bank_2", "bank_n"):
            self.register_buffer(name, torch.empty(num_videos, feature_dim).uniform_(-bound, bound))

    def forward(
        self, f1: Tensor, f2: Tensor, fn: Tensor, index: Tensor, negative_index: Tensor | None = None
    ) -> Tensor:
        """The loss of features ``(B, D)`` of rows ``(B,)``; then the banks are updated."""
        size, width = f1.shape
        if negative_index is None:
            negative_index = torch.randint(len(self.bank_1), (size, self.num_negatives), device=index.device)
        rows = torch.cat([index[:, None], negative_index], dim=1)
        if self.normalize:
            f1, f2, fn = F.normalize(f1, dim=1), F.normalize(f2, dim=1), F.normalize(fn, dim=1)
        of_1, of_2, of_n = (
            torch.index_select(bank, 0, rows.view(-1)).view(size, -1, width)
            for bank in (self.bank_1, self.bank_2, self.bank_n)
        )
        logits_1 = torch.bmm(torch.cat([of_2, of_n], dim=1), f1.view(size, width, 1)).squeeze(2) / self.temperature
        logits_2 = torch.bmm(torch.cat([of_1, of_n], dim=1), f2.view(size, width, 1)).squeeze(2) / self.temperature
        first = torch.zeros(size, dtype=torch.long, device=index.device)
        loss = F.cross_entropy(logits_1, first) + F.cross_entropy(logits_2, first)
        with torch.no_grad():
            for bank, feature in ((self.bank_1, f1), (self.bank_2, f2), (self.bank_n, fn)):
                row = bank.index_select(0, index) * self.momentum + feature * (1 - self.momentum)
                bank.index_copy_(0, index, row / row.norm(dim=1, keepdim=True))
        return loss


def reference_features(network: nn.Module, clip: Tensor, frames: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Features of the clip, its residual frames and its intra-negative, which repeats one frame of each clip."""
    residual = (clip - torch.roll(clip, 1, dims=2) + 1) / 2
    negative = torch.zeros_like(clip)
    for number, frame in enumerate(frames):
        for time in range(clip.shape[2]):
            negative[number, :, time] = clip[number, :, frame]
    return network(clip), network(residual), network(negative)
