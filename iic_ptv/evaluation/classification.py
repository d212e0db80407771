"""Scores of a classifier: top-1, top-5, per class, and what is taken for what."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torchmetrics.functional.classification import multiclass_confusion_matrix

from iic_ptv.errors import InputError
from iic_ptv.evaluation.checks import check_labels


@dataclass(frozen=True, eq=False)
class ClassificationScores:
    """How well N videos of C classes are recognised.

    Attributes:
        top1: accuracy in [0, 1].
        top5: share of videos whose class is among the five of the largest logits, in [0, 1]; 1 with up to five classes.
        per_class: ``(C,)`` accuracy in [0, 1] on the videos of each class; NaN for classes without a video.
        confusion: ``(C, C)`` long, videos by true class (rows) and predicted class (columns).
    """

    top1: float
    top5: float
    per_class: Tensor
    confusion: Tensor


def classification_scores(logits: Tensor, labels: Tensor, num_classes: int | None = None) -> ClassificationScores:
    """Compare logits, or any scores, with labels. Of equal logits, those of the lowest classes count as larger.

    Args:
        logits: ``(N, C')``; ``-inf`` for classes that a classifier does not know.
        labels: ``(N,)`` classes.
        num_classes: C; classes from C' on are never predicted. C' if it is None or less.

    Raises:
        InputError: logits are not ``(N, C')``, empty, or NaN; or labels are missing or not below C.

    Example:
        >>> scores = classification_scores(torch.tensor([[2.0, 1.0], [2.0, 1.0]]), torch.tensor([0, 1]))
        >>> scores.top1, scores.confusion.tolist()
        (0.5, [[1, 0], [1, 0]])
    """
    if logits.ndim != 2 or 0 in logits.shape:
        raise InputError(f"logits: expected shape (videos, classes), neither empty; got {tuple(logits.shape)}.")
    bad = logits.isnan().any(dim=1).sum()
    if bad:
        raise InputError(f"logits: those of {int(bad)} of {len(logits)} videos are NaN: the network has diverged.")
    num_classes = max(num_classes or 0, logits.shape[1])
    check_labels("labels", logits, labels, num_classes)
    # A stable sort rather than top-k, which leaves the order of equals to chance: k-NN gives most classes the score 0.
    ranking = logits.argsort(dim=1, descending=True, stable=True)
    hits = ranking[:, :5] == labels[:, None]
    confusion = multiclass_confusion_matrix(ranking[:, 0], labels, num_classes)
    return ClassificationScores(
        top1=hits[:, 0].double().mean().item(),
        top5=hits.any(dim=1).double().mean().item(),
        per_class=confusion.diagonal() / confusion.sum(dim=1),
        confusion=confusion,
    )
