"""Retrieval class by class: which motions the features tell apart, and which they do not."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from iic_ptv.evaluation.checks import check_labelled_sets
from iic_ptv.evaluation.retrieval import retrieval_hits


@dataclass(frozen=True, eq=False)
class PerClassRetrieval:
    """Top-1 retrieval of the queries of each of C classes.

    Attributes:
        accuracy: ``(C,)`` share of a class's queries whose nearest neighbour is of it, in [0, 1]; NaN without queries.
        queries: ``(C,)`` long, how many queries there are.
        gallery: ``(C,)`` long, how many gallery videos there are; with none, the accuracy is 0.
    """

    accuracy: Tensor
    queries: Tensor
    gallery: Tensor


def per_class_retrieval(
    query: Tensor, query_labels: Tensor, gallery: Tensor, gallery_labels: Tensor, num_classes: int
) -> PerClassRetrieval:
    """Top-1 retrieval accuracy of every class.

    The mean over all queries is the top-1 accuracy of :func:`~iic_ptv.evaluation.retrieval_accuracy`.

    Args:
        query: ``(Q, D)`` features.
        query_labels: ``(Q,)`` their classes.
        gallery: ``(G, D)`` features.
        gallery_labels: ``(G,)`` their classes.
        num_classes: C, classes are 0..C-1.

    Raises:
        InputError: features are empty, NaN, infinite or of different size, or labels are missing or not below
            ``num_classes``.
    """
    check_labelled_sets(query, query_labels, gallery, gallery_labels, num_classes)
    hit = retrieval_hits(query, query_labels, gallery, gallery_labels, ks=(1,))[:, 0]
    queries = query_labels.bincount(minlength=num_classes)
    hits = query_labels[hit].bincount(minlength=num_classes)
    return PerClassRetrieval(hits / queries, queries, gallery_labels.bincount(minlength=num_classes))
