"""The curves of a training, also of one that was interrupted and resumed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from iic_ptv.evaluation.curves import Curve, read_curves

# Titles with unit and factor of what a report shows of a pre-training.
SHOWN = {
    "train/loss": ("Loss (nats)", 1.0),
    "train/positive_probability": ("Probability of the positive (%)", 100.0),
    "train/intra_probability": ("Probability of the own intra-negative (%)", 100.0),
    "val/knn_top1": ("k-NN accuracy (%)", 100.0),
}


def training_curves(folder: Path) -> dict[str, Curve]:
    """Every metric that a training has logged, over its steps.

    Each part of a run that was resumed has a log of its own. Where one goes on from a checkpoint before the end of
    the one before, the steps that were made twice count as the later part has them.

    Args:
        folder: the run folder; without logs in it there are no curves.
    """
    logs = sorted((folder / "logs").glob("version_*/metrics.csv"), key=_number)
    curves: dict[str, Curve] = {}
    for part in map(read_curves, logs):
        if not part:  # interrupted before anything was logged
            continue
        begin = min(curve[0][0] for curve in part.values())
        curves = {name: [point for point in curve if point[0] < begin] for name, curve in curves.items()}
        for name, curve in part.items():
            curves[name] = curves.get(name, []) + curve
    return curves


def shown_curves(folder: Path) -> dict[str, Curve]:
    """The curves of a pre-training that a report shows, by title with unit."""
    curves: Mapping[str, Curve] = training_curves(folder)
    return {
        title: [(step, factor * value) for step, value in curves[name]]
        for name, (title, factor) in SHOWN.items()
        if name in curves
    }


def _number(log: Path) -> int:
    return int(log.parent.name.removeprefix("version_"))
