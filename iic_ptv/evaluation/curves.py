"""Training curves from the log of Lightning's ``CSVLogger``."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from iic_ptv.errors import InputError

Curve = list[tuple[float, float]]

COUNTERS = ("epoch", "step")


def read_curves(metrics_csv: Path, x: str = "step") -> dict[str, Curve]:
    """Read every metric of a ``metrics.csv`` as a curve.

    Args:
        metrics_csv: the file; a row leaves blank what was not logged at its step.
        x: the column that becomes the abscissa, "step" or "epoch".

    Returns:
        For every metric that was logged at least once, the points ``(x, value)`` in the order of logging.

    Raises:
        InputError: the file is missing, or is no such log.
    """
    try:
        with metrics_csv.open(newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{metrics_csv}: cannot be read as a log of Lightning's CSVLogger ({error}).") from error
    curves: dict[str, Curve] = {}
    for line, row in enumerate(rows, start=2):
        try:
            for name, value in row.items():
                if name not in COUNTERS and value:
                    curves.setdefault(name, []).append((float(row[x]), float(value)))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{metrics_csv}, line {line}: expected a log of numbers with a column '{x}', as Lightning's CSVLogger "
                f"writes it ({error!r})."
            ) from error
    return curves


def by_title(curves: Mapping[str, Mapping[str, Curve]]) -> dict[str, dict[str, Curve]]:
    """The curves of several networks, as a report's charts take them.

    Args:
        curves: by the label of the network, its curves by title.

    Returns:
        By title, in order of first appearance, the curve of every network that has one.

    Example:
        >>> by_title({"CMC": {"loss": [(0, 2.0)]}, "IIC": {"loss": [(0, 3.0)]}})
        {'loss': {'CMC': [(0, 2.0)], 'IIC': [(0, 3.0)]}}
    """
    titles = dict.fromkeys(title for of_network in curves.values() for title in of_network)
    return {
        title: {label: of_network[title] for label, of_network in curves.items() if title in of_network}
        for title in titles
    }
