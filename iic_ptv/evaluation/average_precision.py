"""Mean average precision of video retrieval: how early *all* videos of a query's class come, not just the first."""

from __future__ import annotations

import torch
from torch import Tensor

from iic_ptv.evaluation.checks import check_labelled_sets
from iic_ptv.evaluation.similarity import directions, similarity_steps

BLOCK_SIZE = 256


def mean_average_precision(query: Tensor, query_labels: Tensor, gallery: Tensor, gallery_labels: Tensor) -> float:
    """Mean over queries of their average precision in the ranking of the whole gallery by cosine similarity.

    The average precision of a query is the mean, over the gallery videos of its class, of the share of its class
    among the videos up to there. A query whose class the gallery lacks counts 0, as it counts as a miss in
    :func:`~iic_ptv.evaluation.retrieval_accuracy`. Similarities and the order of equals are those of
    :func:`~iic_ptv.evaluation.nearest_neighbours`.

    Args:
        query: ``(Q, D)`` features.
        query_labels: ``(Q,)`` their classes.
        gallery: ``(G, D)`` features.
        gallery_labels: ``(G,)`` their classes.

    Returns:
        mAP in [0, 1]. Of a random ranking, about the mean share of a query's class in the gallery.

    Raises:
        InputError: features are empty, NaN, infinite or of different size, or labels are missing.

    Example:
        >>> features, labels = torch.eye(3), torch.tensor([0, 1, 1])
        >>> round(mean_average_precision(features, labels, features, labels), 4)
        0.8889
    """
    check_labelled_sets(query, query_labels, gallery, gallery_labels)
    gallery = directions(gallery)
    precisions = []
    for block, labels in zip(query.split(BLOCK_SIZE), query_labels.split(BLOCK_SIZE), strict=True):
        ranking = similarity_steps(directions(block), gallery).argsort(dim=1, descending=True, stable=True)
        precisions.append(_average_precision(gallery_labels[ranking] == labels[:, None]))
    return torch.cat(precisions).mean().item()


def _average_precision(relevant: Tensor) -> Tensor:
    """``(B,)`` of rankings ``(B, G)`` of what is relevant."""
    relevant = relevant.double()
    precision = relevant.cumsum(dim=1) / torch.arange(1, relevant.shape[1] + 1, device=relevant.device)
    return (precision * relevant).sum(dim=1) / relevant.sum(dim=1).clamp(min=1)
