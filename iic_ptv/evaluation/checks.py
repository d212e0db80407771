"""What every measure asks of features and labels, and what it says when they are otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from iic_ptv.errors import InputError


def check_features(name: str, features: Tensor) -> None:
    """Refuse features that are not ``(N, D)``, empty, NaN or infinite.

    Args:
        name: what the features are of, for the message, e.g. "gallery".
        features: the features.

    Raises:
        InputError: they cannot be used.
    """
    if features.ndim != 2 or 0 in features.shape:
        raise InputError(f"{name}: expected features of shape (videos, D), neither empty; got {tuple(features.shape)}.")
    suspects = (~features.sum(dim=1).isfinite()).nonzero().flatten()  # faster, but large features overflow, too
    bad = suspects[(~features[suspects].isfinite()).any(dim=1)]
    if len(bad):
        raise InputError(
            f"{name}: the features of {len(bad)} of {len(features)} videos are NaN or infinite (the first is video "
            f"{int(bad[0])}): the network has diverged, or its input is not in [0, 1]."
        )


def check_same_size(query: Tensor, gallery: Tensor) -> None:
    """Refuse features that cannot be compared, ``(Q, D)`` and ``(G, D')``.

    Raises:
        InputError: D and D' differ.
    """
    if query.shape[1] != gallery.shape[1]:
        raise InputError(
            f"query features have {query.shape[1]} dimensions, gallery features {gallery.shape[1]}: "
            "extract both with the same network and views."
        )


def check_labels(name: str, rows: Tensor, labels: Tensor, num_classes: int | None = None) -> None:
    """Refuse labels that are not one class for each of N rows.

    Args:
        name: what the labels are of, for the message.
        rows: the features or logits that are labelled, ``(N, ...)``.
        labels: the labels.
        num_classes: classes are 0..num_classes-1; None: any number that is not negative.

    Raises:
        InputError: labels are missing, or of a class that there is not.
    """
    if labels.shape != rows.shape[:1]:
        raise InputError(
            f"{name}: expected one label for each of the {len(rows)} feature vectors, got {tuple(labels.shape)}."
        )
    missing = (labels < 0).nonzero().flatten()
    if len(missing):
        raise InputError(
            f"{name}: {len(missing)} of {len(labels)} videos have no class (label -1; the first is video "
            f"{int(missing[0])}), and this is measured by classes: keep videos in one folder per class, or name the "
            "classes in a list."
        )
    if num_classes is not None and int(labels.max()) >= num_classes:
        raise InputError(
            f"{name}: a video is of class {int(labels.max())}, but with num_classes={num_classes} classes are "
            f"0 to {num_classes - 1}."
        )


def check_labelled_sets(
    query: Tensor, query_labels: Tensor, gallery: Tensor, gallery_labels: Tensor, num_classes: int | None = None
) -> None:
    """Refuse queries and a gallery, ``(Q, D)`` and ``(G, D)`` with labels, that cannot be used together.

    Raises:
        InputError: as the functions above.
    """
    for name, features, labels in (("query", query, query_labels), ("gallery", gallery, gallery_labels)):
        check_features(name, features)
        check_labels(name, features, labels, num_classes)
    check_same_size(query, gallery)


def name_classes(labels: Sequence[int], class_names: Sequence[str], at_most: int = 5) -> str:
    """The names of some classes for a message, their numbers if there are no names."""
    names = [class_names[label] if label < len(class_names) else str(label) for label in labels[:at_most]]
    return ", ".join(names) + (f" and {len(labels) - at_most} more" if len(labels) > at_most else "")
