"""At which place of its ranking does a query meet the first video of its class?

Top-k accuracy asks no more than whether that is before place k, which float32 products tell for almost every query:
they differ from the true similarities by less than a bound that is known, so that they place the first hit between two
ranks, and mostly no k lies between them. The few queries where one does are left for float64 to settle.

Features of a network are often all alike, with similarities so close to 1 that float32 could not tell them apart.
What is multiplied is therefore how directions differ from a centre ``c``: of ``q = c + a`` and ``g = c + b``, the
product ``q g`` is ``a b + c b`` plus something that is the same for the whole gallery. ``c b`` is taken in float64.

All this is done by NumPy, whose float32 products are just that; PyTorch may be told to take bfloat16 for float32, and
then the bound would not hold.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iic_ptv.evaluation.similarity import RESOLUTION, directions

SAMPLE = 1024  # gallery vectors that the centre is the mean of
QUERIES = 512  # that are compared at a time
ROWS = 64  # whose directions are taken at a time; few, so that they stay in the cache
CHUNK = 512  # dimensions whose products are summed before they are added to other sums: it bounds the rounding

Floats: TypeAlias = NDArray[np.float32]
Ranks: TypeAlias = NDArray[np.intp]


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
    query, gallery = query.detach(), gallery.detach()
    centre = directions(gallery[:: max(1, len(gallery) // SAMPLE)]).mean(dim=0).numpy()
    offsets, along = _offsets(gallery, centre)
    bounds = [
        _bounds(_offsets(block, centre)[0], offsets, along, (labels[:, None] == gallery_labels).numpy())
        for block, labels in zip(query.split(QUERIES), query_labels.split(QUERIES), strict=True)
    ]
    lowest, highest = (torch.from_numpy(np.concatenate(ranks)) for ranks in zip(*bounds, strict=True))
    return lowest, highest


def _offsets(features: Tensor, centre: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """How directions differ from the centre, ``(N, D)``, and the products of that with the centre, ``(N,)``."""
    offsets, along = np.empty(features.shape, np.float32), np.empty(len(features), np.float32)
    for start in range(0, len(features), ROWS):
        rows = slice(start, start + ROWS)
        block = features[rows].double().numpy(force=True)
        offset = block / np.linalg.norm(block, axis=1, keepdims=True).clip(min=np.finfo(np.float64).tiny) - centre
        offsets[rows], along[rows] = offset, offset @ centre
    return offsets, along


def _bounds(query: Floats, gallery: Floats, along: Floats, relevant: NDArray[np.bool_]) -> tuple[Ranks, Ranks]:
    """Bounds for the offsets of a block of queries, of whose classes are the ``relevant`` ``(B, G)``."""
    similarity = np.tile(along, (len(query), 1))
    for start in range(0, query.shape[1], CHUNK):
        columns = slice(start, start + CHUNK)
        similarity += query[:, columns] @ gallery[:, columns].T
    best = np.where(relevant, similarity, -np.inf).max(axis=1, keepdims=True)
    margin = 2 * _error(query, gallery, along)
    surely_before = similarity > best + margin
    perhaps_before = (similarity >= best - margin) & ~relevant
    return surely_before.sum(axis=1), perhaps_before.sum(axis=1)


def _error(query: Floats, gallery: Floats, along: Floats) -> Floats:
    """By how much similarities can be wrong, ``(B, 1)``.

    A sum of products, in whatever order, is wrong by no more roundings than terms on the way of each to the result, of
    the sum of sizes of the terms (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1), and that is
    at most the product of norms.
    """
    size = np.linalg.norm(query, axis=1, keepdims=True) * np.linalg.norm(gallery, axis=1).max() + np.abs(along).max()
    roundings = CHUNK + query.shape[1] / CHUNK + 8  # 8: of offsets, of their products with the centre, of this bound
    error: Floats = size * (roundings * np.finfo(np.float32).eps / 2) + RESOLUTION
    return error
