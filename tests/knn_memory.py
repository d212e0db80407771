"""A k-NN memory with the methods that PyTorchVideo's trainer calls (``pytorchvideo_trainer.module.ssl_helper``)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class KnnMemory(nn.Module):
    """Features of the videos to train on, in the rows of their ``video_index``; neighbours vote for their class."""

    memory: Tensor

    def __init__(
        self, length: int, dim: int, downstream_classes: int, temperature: float = 1.0, knn_k: int = 3
    ) -> None:
        super().__init__()
        self.downstream_classes = downstream_classes
        self.knn_k = knn_k
        self.register_buffer("memory", torch.zeros(length, dim))

    def init_knn_labels(self, train_loader: Any) -> None:
        """Read the labels, and have a row for each."""
        videos = train_loader.dataset._labeled_videos
        self.train_labels = torch.tensor([videos[number][1]["label"] for number in range(len(videos))])
        self.memory = self.memory.new_zeros(len(videos), self.memory.shape[1])

    def update(self, features: Tensor, index: Tensor) -> None:
        """Take the features ``(B, D)`` of the videos of these rows."""
        self.memory[index] = features

    def eval_knn(self, features: Tensor) -> Tensor:
        """Scores ``(B, classes)``."""
        similarity, neighbours = (features @ self.memory.T).topk(self.knn_k)
        votes = nn.functional.one_hot(self.train_labels[neighbours], self.downstream_classes)
        return (similarity.exp()[..., None] * votes).sum(dim=1)
