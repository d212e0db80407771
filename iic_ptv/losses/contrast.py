"""What contrastive losses share: what they take and return, the softmax over columns, and its diagnostics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from iic_ptv.errors import InputError


class ContrastOutput(NamedTuple):
    """What a contrastive loss returns: the scalar to minimise, and named diagnostics without gradient."""

    loss: Tensor
    metrics: dict[str, Tensor]


def contrast(own: Tensor, inter: Tensor, other_intra: Tensor, temperature: float) -> tuple[Tensor, dict[str, Tensor]]:
    """Cross-entropy of samples' positives among all columns, from inner products; and its metrics.

    Args:
        own: ``(B, 1 + n)``, with the positive, then with the sample's own intra-negatives of n kinds.
        inter: ``(B, K)``, with other videos.
        other_intra: ``(B, M)``, with intra-negatives of other videos.
        temperature: tau.
    """
    num_own, num_inter = own.shape[1], inter.shape[1]
    logits = torch.cat([own, inter, other_intra], dim=1) / temperature
    loss, probability = softmax_contrast(logits, slice(num_own))
    return loss, contrast_metrics(logits, probability, slice(num_own), slice(num_own, num_own + num_inter), temperature)


def softmax_contrast(logits: Tensor, own: slice) -> tuple[Tensor, Tensor]:
    """Cross-entropy of column 0, the mean over the batch.

    Args:
        logits: ``(B, columns)``.
        own: the columns of the sample itself: of its positive, 0, and of its intra-negatives.

    Returns:
        The loss, and the probabilities of the columns ``own``, without gradient.
    """
    normalizer = logits.logsumexp(dim=1)
    loss = (normalizer - logits[:, 0]).mean()
    return loss, (logits.detach()[:, own] - normalizer.detach()[:, None]).exp()


def contrast_metrics(
    logits: Tensor, probability: Tensor, own: slice, inter: slice, temperature: float
) -> dict[str, Tensor]:
    """Diagnostics under the names that all losses have; those of intra-negatives are means over the kinds.

    Args:
        logits: ``(B, columns)``.
        probability: ``(B, 1 + n)``, of the columns ``own``.
        own: the columns of the positive and of the sample's n intra-negatives.
        inter: the columns of other videos; there may be none.
        temperature: what the logits were divided by.
    """
    logits = logits.detach()
    similarity = logits[:, own] * temperature
    metrics = {"positive_probability": probability[:, 0].mean(), "positive_similarity": similarity[:, 0].mean()}
    if probability.shape[1] > 1:
        metrics["intra_probability"] = probability[:, 1:].mean()
        metrics["intra_similarity"] = similarity[:, 1:].mean()
    if (others := logits[:, inter]).shape[1]:
        metrics["inter_similarity"] = others.mean() * temperature
    return metrics


def mean_metrics(metrics: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Average each metric over the pairs of views."""
    return {name: torch.stack([each[name] for each in metrics]).mean() for name in metrics[0]}


def normalized(feature: Tensor) -> Tensor:
    """Unit vectors, in float32 or float64: divided by the temperature, half precision would be too coarse."""
    return F.normalize(feature.to(torch.promote_types(feature.dtype, torch.float32)), dim=-1)


def list_of_kinds(intra_negative: Tensor | Sequence[Tensor] | None) -> list[Tensor]:
    """The features of every kind of intra-negatives: of one, which come as they are, of several, or of none."""
    if intra_negative is None:
        return []
    return [intra_negative] if isinstance(intra_negative, Tensor) else list(intra_negative)


def check_counts(num_views: int, intra_negatives: int) -> None:
    """Refuse what no contrast can be built for.

    Raises:
        InputError: fewer than two views, or a negative number of kinds of intra-negatives.
    """
    if num_views < 2:
        raise InputError(f"num_views: a contrast needs at least two views, got {num_views}.")
    if intra_negatives < 0:
        raise InputError(f"intra_negatives: expected how many kinds there are, got {intra_negatives}.")


def check_features(name: str, features: Sequence[Tensor], expected: int, what: str, shape: tuple[int, int]) -> None:
    """Refuse features that a loss was not built for.

    Args:
        name: of the argument.
        features: what was given.
        expected: how many.
        what: they are of, in words.
        shape: ``(B, D)`` of each.

    Raises:
        InputError: there are more or fewer, or one is of another shape.
    """
    if len(features) != expected:
        raise InputError(f"{name}: this loss was built for {expected} {what}, got {len(features)}.")
    for number, feature in enumerate(features):
        if tuple(feature.shape) != shape:
            raise InputError(f"{name}[{number}]: expected (B, feature_dim) = {shape}, got {tuple(feature.shape)}.")
