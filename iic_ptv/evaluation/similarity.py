"""Cosine similarity that does not depend on how it was computed."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# Equal gallery vectors can differ in the last bits of their similarity, because a matrix product sums in an order
# that depends on the block's shape. Rounding to far above these bits, and far below what float32 features resolve,
# makes them ties.
RESOLUTION = 1e-11


def directions(features: Tensor) -> Tensor:
    """Features ``(N, D)`` as float64 unit vectors; zero vectors stay zero."""
    return F.normalize(features.double(), dim=1, eps=torch.finfo(torch.float64).tiny)


def similarity_steps(query: Tensor, gallery: Tensor) -> Tensor:
    """Cosine similarities ``(Q, G)`` of directions in steps of ``RESOLUTION``: float64 integers, equal for equals."""
    return (query @ gallery.T).div_(RESOLUTION).round_()
