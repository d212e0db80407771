"""At which place of its ranking does a query meet the first video of its class?

Top-k accuracy asks no more than whether that is before place k, which float32 products tell for almost every query:
they differ from the true similarities by less than a bound that is known, so that they place the first hit between two
ranks, and mostly no k lies between them. The few queries where one does are left for float64 to settle.

Features of a network are often all alike, with similarities so close to 1 that float32 could not tell them apart.
What is multiplied is therefore how directions differ from a centre ``c``: of ``q = c + a`` and ``g = c + b``, the
product ``q g`` is ``a b + c b`` plus something that is the same for the whole gallery. ``c b`` is taken in float64.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from iic_ptv.evaluation.similarity import RESOLUTION, directions

SAMPLE = 1024  # gallery vectors that the centre is the mean of
QUERIES = 512  # that are compared at a time
ROWS = 256  # whose directions are taken at a time; few, so that they stay in the cache
CHUNK = 512  # dimensions whose products are summed before they are added to other sums: it bounds the rounding


@torch.no_grad()
def first_hit_bounds(
    query: Tensor, query_labels: Tensor, gallery: Tensor, gallery_labels: Tensor
) -> tuple[Tensor, Tensor]:
    """Bounds of the rank of the first gallery vector of a query's class, by cosine similarity. On the CPU.

    Args:
        query: ``(Q, D)`` features.
        query_labels: ``(Q,)`` their classes.
        gallery: ``(G, D)`` features.
        gallery_labels: ``(G,)`` their classes.

    Returns:
        The lowest and the highest rank that are possible, counted from 0, ``(Q,)`` each; G for a class that the
        gallery lacks.
    """
    centre = directions(gallery[:: max(1, len(gallery) // SAMPLE)]).mean(dim=0)
    offsets, along = _offsets(gallery, centre)
    bounds = [
        _bounds(_offsets(block, centre)[0], offsets, along, labels[:, None] == gallery_labels)
        for block, labels in zip(query.split(QUERIES), query_labels.split(QUERIES), strict=True)
    ]
    lowest, highest = zip(*bounds, strict=True)
    return torch.cat(lowest), torch.cat(highest)


def _offsets(features: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
    """How directions differ from the centre, ``(N, D)``, and the products of that with the centre, ``(N,)``."""
    offsets = torch.empty(features.shape, dtype=torch.float32)
    along = torch.empty(len(features), dtype=torch.float32)
    for start in range(0, len(features), ROWS):
        rows = slice(start, start + ROWS)
        offset = directions(features[rows]).sub_(centre)
        offsets[rows], along[rows] = offset, offset @ centre
    return offsets, along


def _bounds(query: Tensor, gallery: Tensor, along: Tensor, relevant: Tensor) -> tuple[Tensor, Tensor]:
    """Bounds for the offsets of a block of queries, of whose classes are the ``relevant`` ``(B, G)``."""
    similarity = along + _products(query, gallery)
    best = similarity.masked_fill(~relevant, -torch.inf).amax(dim=1, keepdim=True)
    margin = 2 * _error(query, gallery, along)
    surely_before = similarity > best + margin
    perhaps_before = (similarity >= best - margin) & ~relevant
    return surely_before.sum(dim=1), perhaps_before.sum(dim=1)


def _products(query: Tensor, gallery: Tensor) -> Tensor:
    """``(B, G)``, by NumPy: PyTorch may take float32 for bfloat16 if it is told to, and the bound would not hold."""
    products = np.zeros((len(query), len(gallery)), np.float32)
    for start in range(0, query.shape[1], CHUNK):
        columns = slice(start, start + CHUNK)
        products += query.numpy()[:, columns] @ gallery.numpy()[:, columns].T
    return torch.from_numpy(products)


def _error(query: Tensor, gallery: Tensor, along: Tensor) -> Tensor:
    """By how much similarities can be wrong, ``(B, 1)``.

    A sum of products, in whatever order, is wrong by no more roundings than terms on the way of each to the result, of
    the sum of sizes of the terms (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1), and that is
    at most the product of norms.
    """
    size = query.norm(dim=1, keepdim=True) * gallery.norm(dim=1).max() + along.abs().max()
    roundings = CHUNK + query.shape[1] / CHUNK + 8  # 8: of offsets, of their products with the centre, of this bound
    return size * roundings * (torch.finfo(torch.float32).eps / 2) + RESOLUTION
