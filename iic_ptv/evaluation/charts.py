"""Geometry of the report's line charts, in per cent of the plotting area.

The page draws lines as SVG that stretches with the screen and writes every label as HTML text over it, so that text
keeps its size on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.ticker import MaxNLocator

from iic_ptv.evaluation.curves import Curve

MAX_POINTS = 200
LABEL_SPACING = 8.0


@dataclass(frozen=True)
class Tick:
    """A tick ``position`` per cent along its axis, from the left or from the bottom."""

    position: float
    label: str


@dataclass(frozen=True)
class Line:
    """A network's curve.

    Attributes:
        network: the network's name.
        points: ``(x, y)`` from the top left corner.
        label_y: where its label stands beside the end of the line, kept clear of the other labels.
    """

    network: str
    points: Curve
    label_y: float


@dataclass(frozen=True)
class LineChart:
    """A chart of one curve per network."""

    x_ticks: list[Tick]
    y_ticks: list[Tick]
    lines: list[Line]


def line_chart(curves: Mapping[str, Curve]) -> LineChart:
    """Lay out the curves of several networks in one chart.

    Long curves are thinned by averaging neighbouring points. Points that are not finite, of a run that diverged, are
    left out, and so are networks without a point.
    """
    finite = {name: points for name, curve in curves.items() if (points := _finite(curve))}
    if not finite:
        return LineChart([], [], [])
    thinned = {name: _thin(curve) for name, curve in finite.items()}
    x_low, x_high = _extent([x for curve in finite.values() for x, _ in curve])
    y_values = _tick_values(*_extent([y for curve in thinned.values() for _, y in curve]))
    y_low, y_high = y_values[0], y_values[-1]

    def share(value: float, low: float, high: float) -> float:
        return 100 * (value - low) / (high - low)

    placed = {
        name: [(share(x, x_low, x_high), 100 - share(y, y_low, y_high)) for x, y in curve]
        for name, curve in thinned.items()
    }
    label_y = _spread({name: curve[-1][1] for name, curve in placed.items()})
    return LineChart(
        [Tick(share(x, x_low, x_high), _number(x)) for x in _tick_values(x_low, x_high) if x_low <= x <= x_high],
        [Tick(share(y, y_low, y_high), _number(y)) for y in y_values],
        [Line(name, curve, label_y[name]) for name, curve in placed.items()],
    )


def _finite(curve: Curve) -> Curve:
    return [(x, y) for x, y in curve if math.isfinite(x) and math.isfinite(y)]


def _thin(curve: Curve) -> Curve:
    """Average groups of equal size, so that at most ``MAX_POINTS`` are left."""
    size = math.ceil(len(curve) / MAX_POINTS)
    groups = [curve[start : start + size] for start in range(0, len(curve), size)]
    return [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]


def _extent(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _tick_values(low: float, high: float) -> list[float]:
    """Four to seven round numbers, the outermost at or beyond ``low`` and ``high``."""
    return [float(value) for value in MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)]


def _spread(wanted: Mapping[str, float]) -> dict[str, float]:
    """Move labels apart until they are ``LABEL_SPACING`` from each other, within the chart and in their order."""
    names = sorted(wanted, key=lambda name: wanted[name])
    positions = [wanted[name] for name in names]
    for i in range(1, len(names)):
        positions[i] = max(positions[i], positions[i - 1] + LABEL_SPACING)
    highest = 100.0
    for i in reversed(range(len(names))):
        positions[i] = min(positions[i], highest)
        highest = positions[i] - LABEL_SPACING
    return dict(zip(names, positions, strict=True))


def _number(value: float) -> str:
    return f"{value:,.6g}".replace("-", "−")
