"""Video retrieval by cosine similarity: pure functions of feature tensors.

The protocol of the paper (IIC: Tao, Wang, Yamasaki, "Self-supervised Video Representation Learning Using
Inter-intra Contrastive Framework", ACM MM 2020, arXiv:2008.02531): test videos query training videos, and
top-k counts a query as a hit if any of its k nearest neighbours is of its class.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.evaluation.checks import check_features, check_labelled_sets, check_same_size
from iic_ptv.evaluation.first_hit import first_hit_bounds
from iic_ptv.evaluation.similarity import RESOLUTION, directions, similarity_steps

PAPER_KS = (1, 5, 10, 20, 50)


def nearest_neighbours(query: Tensor, gallery: Tensor, k: int, block_size: int = 256) -> tuple[Tensor, Tensor]:
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
    check_features("query", query)
    check_features("gallery", gallery)
    check_same_size(query, gallery)
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
    block_size: int = 256,
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
        InputError: as :func:`nearest_neighbours`, or if labels are missing or not as many as features.
    """
    hits = retrieval_hits(query, query_labels, gallery, gallery_labels, ks, block_size)
    return dict(zip(ks, hits.double().mean(dim=0).tolist(), strict=True))


def retrieval_hits(
    query: Tensor,
    query_labels: Tensor,
    gallery: Tensor,
    gallery_labels: Tensor,
    ks: Sequence[int] = PAPER_KS,
    block_size: int = 256,
) -> Tensor:
    """Whether any of the k nearest neighbours of a query is of its class.

    Hits are those of :func:`nearest_neighbours`. On the CPU, most are found without float64: see ``first_hit.py``.

    Args:
        query: ``(Q, D)`` features; all arguments are those of :func:`retrieval_accuracy`.
        query_labels: ``(Q,)`` classes; a class that the gallery lacks is never hit.
        gallery: ``(G, D)`` features.
        gallery_labels: ``(G,)`` classes.
        ks: K numbers of neighbours.
        block_size: see :func:`nearest_neighbours`.

    Returns:
        ``(Q, K)`` bool.

    Raises:
        InputError: as :func:`retrieval_accuracy`.
    """
    if min(ks, default=0) < 1:
        raise InputError(f"ks: give the numbers of neighbours, each at least 1; got {tuple(ks)}.")
    check_labelled_sets(query, query_labels, gallery, gallery_labels)
    places = torch.tensor(ks, device=query.device).clamp(max=len(gallery))
    hits, settled = _certain_hits(query, query_labels, gallery, gallery_labels, places)
    if not settled.all():
        _, index = nearest_neighbours(query[~settled], gallery, int(places.max()), block_size)
        found = (gallery_labels[index] == query_labels[~settled, None]).cumsum(dim=1) > 0
        hits[~settled] = found[:, places - 1]
    return hits


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


def _certain_hits(
    query: Tensor, query_labels: Tensor, gallery: Tensor, gallery_labels: Tensor, places: Tensor
) -> tuple[Tensor, Tensor]:
    """Hits within so many places, ``(Q, K)``, and for which queries all of them are certain, ``(Q,)``."""
    if query.device.type != "cpu":  # float64 is fast enough there
        return query.new_zeros(len(query), len(places), dtype=torch.bool), query.new_zeros(len(query), dtype=torch.bool)
    lowest, highest = first_hit_bounds(query, query_labels, gallery, gallery_labels)
    hits = lowest[:, None] < places
    return hits, (hits == (highest[:, None] < places)).all(dim=1)


def _nearest_to_block(query: Tensor, gallery: Tensor, k: int, block_size: int) -> tuple[Tensor, Tensor]:
    """Walk through the gallery, keeping the best k so far. They stand before the next block, whose indices are higher.

    Candidates are compared by integers that are all different, the greater the more similar, and of equally similar
    ones the further to the front: top-k alone leaves it to chance which of equals it takes.
    """
    query = directions(query)
    steps = query.new_empty(len(query), 0)
    index = torch.empty(len(query), 0, dtype=torch.long, device=query.device)
    for start in range(0, len(gallery), block_size):
        block = directions(gallery[start : start + block_size])
        block_index = torch.arange(start, start + len(block), device=query.device).expand(len(query), -1)
        steps = torch.cat([steps, similarity_steps(query, block)], dim=1)
        position = torch.arange(steps.shape[1], device=query.device)
        score = steps.long() * len(position) - position
        best = score.topk(min(k, len(position)), dim=1).indices
        steps = steps.gather(1, best)
        index = torch.cat([index, block_index], dim=1).gather(1, best)
    return (steps * RESOLUTION).float(), index
