"""Training curves from the log of Lightning's ``CSVLogger``."""

from __future__ import annotations

import csv
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
