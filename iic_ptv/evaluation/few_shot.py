"""Few-shot recognition: a linear probe on n labelled videos of each class, over several draws of these videos."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.evaluation.checks import check_labelled_sets, name_classes
from iic_ptv.evaluation.linear_probe import fit_linear_probe

PENALTY = 1.0  # a few videos do not suffice to choose it by cross-validation


def few_shot_accuracy(
    gallery: Tensor,
    gallery_labels: Tensor,
    query: Tensor,
    query_labels: Tensor,
    shots: int,
    draws: int = 10,
    seed: int = 0,
    class_names: Sequence[str] = (),
) -> Tensor:
    """Top-1 accuracy on all queries of linear probes that know ``shots`` gallery videos of each class.

    n-shot means exactly n of *every* class of gallery and queries: with fewer of some class the figure would mean
    something else, so that this is refused rather than made do with.

    Args:
        gallery: ``(G, D)`` features to draw from.
        gallery_labels: ``(G,)`` their classes.
        query: ``(Q, D)`` features to classify.
        query_labels: ``(Q,)`` their classes.
        shots: n, videos of each class in a draw.
        draws: how many draws.
        seed: of the draws; the first of them are the same however many there are.
        class_names: for messages.

    Returns:
        ``(draws,)`` accuracies in [0, 1]. State their mean and deviation.

    Raises:
        InputError: a class has fewer than ``shots`` videos in the gallery, there is only one class, features are NaN
            or infinite, or labels are missing.

    Example:
        >>> accuracy = few_shot_accuracy(gallery, gallery_labels, query, query_labels, shots=5)  # doctest: +SKIP
        >>> mean, deviation = accuracy.mean(), accuracy.std()  # doctest: +SKIP
    """
    check_labelled_sets(query, query_labels, gallery, gallery_labels)
    if shots < 1 or draws < 1:
        raise InputError(f"shots and draws must be at least 1, got shots={shots} and draws={draws}.")
    gallery_labels, query_labels = gallery_labels.cpu(), query_labels.cpu()
    _check_enough(gallery_labels, query_labels, shots, class_names)
    generator = torch.Generator().manual_seed(seed)
    num_classes = int(gallery_labels.max()) + 1
    accuracy = torch.empty(draws)
    for draw in range(draws):
        shown = _draw(gallery_labels, shots, generator)
        probe = fit_linear_probe(gallery[shown.to(gallery.device)], gallery_labels[shown], num_classes, PENALTY)
        accuracy[draw] = (probe.logits(query).argmax(dim=1) == query_labels).float().mean()
    return accuracy


def _check_enough(gallery_labels: Tensor, query_labels: Tensor, shots: int, class_names: Sequence[str]) -> None:
    classes = torch.cat([gallery_labels, query_labels]).unique()
    videos = gallery_labels.bincount(minlength=int(classes.max()) + 1)
    short = [label for label in classes.tolist() if videos[label] < shots]
    if short:
        fewest = min(int(videos[label]) for label in short)
        raise InputError(
            f"gallery: {shots}-shot needs {shots} videos of every class, but {name_classes(short, class_names)} have "
            f"fewer (as few as {fewest}): ask for fewer shots or leave these classes out."
        )


def _draw(labels: Tensor, shots: int, generator: torch.Generator) -> Tensor:
    """Rows of ``shots`` videos of each class: the first ones of each in a random order of all."""
    order = torch.randperm(len(labels), generator=generator)
    return torch.cat([order[labels[order] == label][:shots] for label in labels.unique()])
