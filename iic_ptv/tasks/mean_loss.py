"""The mean loss of many videos."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric


class MeanLoss(Metric):
    """Mean over all videos of whatever batches and processes; NaN if one of them is.

    torchmetrics' own mean adds in place, which fails after a validation outside of a training, in inference mode.
    """

    total: Tensor
    num_videos: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("num_videos", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, loss: Tensor, num_videos: int) -> None:
        """Add the mean loss of some videos."""
        self.total = self.total + loss * num_videos
        self.num_videos = self.num_videos + num_videos

    def compute(self) -> Tensor:
        """The mean of all."""
        return self.total / self.num_videos
