"""Video retrieval by cosine similarity: pure functions of feature tensors.

The protocol of the paper (IIC: Tao, Wang, Yamasaki, "Self-supervised Video Representation Learning Using
Inter-intra Contrastive Framework", ACM MM 2020, arXiv:2008.02531): test videos query training videos, and
top-k counts a query as a hit if any of its k nearest neighbours is of its class.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from iic_ptv.errors import InputError

PAPER_KS = (1, 5, 10, 20, 50)

# Equal gallery vectors can differ in the last bits of their similarity, because a matrix product sums in an order
# that depends on the block's shape. Rounding to far above these bits, and far below what float32 features resolve,
# makes them ties.
TIE_DECIMALS = 11


def nearest_neighbours(query: Tensor, gallery: Tensor, k: int, block_size: int = 1024) -> tuple[Tensor, Tensor]:
    """Find the ``k`` most similar gallery vectors of every query, by cosine similarity.

    Similarities are computed in float64, a block of queries against a block of the gallery at a time: memory is
    bounded by ``block_size * (block_size + D)`` values, whatever Q and G. Of equally similar gallery vectors, the one
    with the lowest index comes first. A zero vector has similarity 0 to everything.

    Args:
        query: ``(Q, D)`` features, of any norm.
        gallery: ``(G, D)`` features, of any norm.
        k: neighbours per query; with more than G asked for, all G are returned.
        block_size: rows of either side per block; changes speed and memory, not the result.

    Returns:
        Similarities in [-1, 1], float32, and gallery indices, both ``(Q, min(k, G))``, most similar first.

    Raises:
        InputError: an empty set, NaN or infinite features, features of different size, or ``k`` or ``block_size``
            below 1.

    Example:
        >>> similarity, index = nearest_neighbours(torch.eye(3), torch.eye(3), k=1)
        >>> index.flatten().tolist()
        [0, 1, 2]
    """
    _check_features("query", query)
    _check_features("gallery", gallery)
    if query.shape[1] != gallery.shape[1]:
        raise InputError(
            f"query features have {query.shape[1]} dimensions, gallery features {gallery.shape[1]}: "
            "extract both with the same network and views."
        )
    if k < 1 or block_size < 1:
        raise InputError(f"k and block_size must be at least 1, got k={k} and block_size={block_size}.")
    found = [_nearest_to_block(block, gallery, min(k, len(gallery)), block_size) for block in query.split(block_size)]
    similarity, index = zip(*found, strict=True)
    return torch.cat(similarity), torch.cat(index)


def retrieval_accuracy(
    query: Tensor,
    query_labels: Tensor,
    gallery: Tensor,
    gallery_labels: Tensor,
    ks: Sequence[int] = PAPER_KS,
    block_size: int = 1024,
) -> dict[int, float]:
    """Top-k retrieval accuracy: the fraction of queries of whose k nearest neighbours any is of their class.

    Args:
        query: ``(Q, D)`` features of the test videos.
        query_labels: ``(Q,)`` their classes.
        gallery: ``(G, D)`` features of the training videos.
        gallery_labels: ``(G,)`` their classes.
        ks: the numbers of neighbours; one above G counts the whole gallery.
        block_size: see :func:`nearest_neighbours`.

    Returns:
        The accuracy in [0, 1] for every k.

    Raises:
        InputError: as :func:`nearest_neighbours`, or if features and labels differ in number.
    """
    if min(ks, default=0) < 1:
        raise InputError(f"ks: give the numbers of neighbours, each at least 1; got {tuple(ks)}.")
    _check_labels("query", query, query_labels)
    _check_labels("gallery", gallery, gallery_labels)
    _, index = nearest_neighbours(query, gallery, max(ks), block_size)
    hits = gallery_labels[index] == query_labels[:, None]
    return {k: hits[:, :k].any(dim=1).double().mean().item() for k in ks}


def chance_level(query_labels: Tensor, gallery_labels: Tensor, ks: Sequence[int] = PAPER_KS) -> dict[int, float]:
    """The top-k accuracy to expect of a random ranking of the gallery.

    A query whose class has n of the G gallery videos misses with probability ``C(G - n, k) / C(G, k)``. With k = 1 and
    balanced classes this is one over the number of classes; with larger k it soon approaches 1, which is why every
    top-k figure should be read beside its own chance level.

    Args:
        query_labels: ``(Q,)`` classes of the test videos.
        gallery_labels: ``(G,)`` classes of the training videos.
        ks: the numbers of neighbours.

    Returns:
        The expected accuracy in [0, 1] for every k.
    """
    size = len(gallery_labels)
    classes, queries_of_class = query_labels.unique(return_counts=True)
    videos_of_class = [int((gallery_labels == label).sum()) for label in classes]

    def hit_probability(videos: int, k: int) -> float:
        return 1 - math.comb(size - videos, k) / math.comb(size, k)

    return {
        k: sum(
            hit_probability(videos, min(k, size)) * queries
            for videos, queries in zip(videos_of_class, queries_of_class.tolist(), strict=True)
        )
        / len(query_labels)
        for k in ks
    }


def _nearest_to_block(query: Tensor, gallery: Tensor, k: int, block_size: int) -> tuple[Tensor, Tensor]:
    """Walk through the gallery, keeping the best k so far.

    They stand before the next block and have lower indices than it, so that a stable sort settles ties.
    """
    directions = _directions(query)
    similarity = directions.new_empty(len(query), 0)
    index = torch.empty(len(query), 0, dtype=torch.long, device=query.device)
    for start in range(0, len(gallery), block_size):
        block = _directions(gallery[start : start + block_size])
        block_similarity = (directions @ block.T).round(decimals=TIE_DECIMALS)
        block_index = torch.arange(start, start + len(block), device=query.device).expand(len(query), -1)
        similarity = torch.cat([similarity, block_similarity], dim=1)
        similarity, order = similarity.sort(dim=1, descending=True, stable=True)
        similarity = similarity[:, :k]
        index = torch.cat([index, block_index], dim=1).gather(1, order[:, :k])
    return similarity.float(), index


def _directions(features: Tensor) -> Tensor:
    return F.normalize(features.double(), dim=1, eps=torch.finfo(torch.float64).tiny)


def _check_features(name: str, features: Tensor) -> None:
    if features.ndim != 2 or 0 in features.shape:
        raise InputError(f"{name}: expected features of shape (videos, D), neither empty; got {tuple(features.shape)}.")
    bad = (~features.isfinite()).any(dim=1).nonzero().flatten()
    if len(bad):
        raise InputError(
            f"{name}: the features of {len(bad)} of {len(features)} videos are NaN or infinite (the first is video "
            f"{int(bad[0])}): the network has diverged, or its input is not in [0, 1]."
        )


def _check_labels(name: str, features: Tensor, labels: Tensor) -> None:
    if labels.shape != features.shape[:1]:
        raise InputError(
            f"{name}: expected one label for each of the {len(features)} feature vectors, got {tuple(labels.shape)}."
        )
