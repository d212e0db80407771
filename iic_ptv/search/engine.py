"""Engines find the most similar clips; the default one compares with every clip."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

BLOCK_SIZE = 1 << 15  # clips; 64 MB of vectors of 512


class Engine(Protocol):
    """What finds clips.

    Attributes:
        vectors: ``(C, D)`` float32, of norm 1: all clips.
    """

    vectors: Tensor

    def nearest(self, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Find the most similar clips of every query.

        Args:
            queries: ``(Q, D)`` float32, of norm 1.
            k: how many, at most C.

        Returns:
            Cosine similarities, float32, and numbers of clips, long, both ``(Q, k)``, the most similar first; -inf and
            -1 where there are no more.
        """
        ...


class ExactEngine:
    """Compares with every clip, block by block.

    Memory is bounded by a block and k results per query, whatever the number of clips: vectors that are in a file are
    read from it as they are needed.

    Args:
        vectors: ``(C, D)`` float32, of norm 1.
        block_size: clips of a block.

    Example:
        >>> similarity, clip = ExactEngine(torch.eye(3)).nearest(torch.eye(3)[1:2], k=1)
        >>> similarity.item(), clip.item()
        (1.0, 1)
    """

    def __init__(self, vectors: Tensor, block_size: int = BLOCK_SIZE) -> None:
        self.vectors = vectors
        self.block_size = block_size

    def nearest(self, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """See :meth:`Engine.nearest`."""
        similarity = queries.new_empty(len(queries), 0)
        clip = torch.empty(len(queries), 0, dtype=torch.long)
        for first in range(0, len(self.vectors), self.block_size):
            products = queries @ self.vectors[first : first + self.block_size].T
            best, place = products.topk(min(k, products.shape[1]), dim=1)
            similarity = torch.cat([similarity, best], dim=1)
            clip = torch.cat([clip, place + first], dim=1)
            similarity, order = similarity.sort(dim=1, descending=True, stable=True)
            similarity, clip = similarity[:, :k], clip.gather(1, order[:, :k])
        return similarity, clip
