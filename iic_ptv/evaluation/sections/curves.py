"""Curves of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from iic_ptv.evaluation.charts import LineChart, line_chart
from iic_ptv.evaluation.curves import Curve
from iic_ptv.evaluation.sections.section import Section


@dataclass(frozen=True)
class Curves(Section):
    """Curves of training, a chart for each title.

    Attributes:
        curves: by title with unit, e.g. "Loss (nats)", the curve of every network by its label.
        axis: what the abscissa counts.
    """

    curves: Mapping[str, Mapping[str, Curve]]
    axis: str = "training step"

    name = "curves"
    is_figure = True

    @property
    def charts(self) -> dict[str, LineChart]:
        """The charts by title; a title without a point has none."""
        charts = {title: line_chart(curves) for title, curves in self.curves.items()}
        return {title: chart for title, chart in charts.items() if chart.lines}

    @property
    def longest_label(self) -> int:
        """Characters of the longest label of a curve."""
        return max((len(label) for curves in self.curves.values() for label in curves), default=0)
