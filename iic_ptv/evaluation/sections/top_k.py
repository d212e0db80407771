"""Top-k accuracies as bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from iic_ptv.evaluation.sections.section import Section


@dataclass(frozen=True)
class TopK(Section):
    """Top-k accuracies of networks beside chance, and beside what a paper reports.

    Attributes:
        accuracy: measured, in [0, 1], by k, by the label of the network.
        chance: what a random ranking would get, by k, as ``chance_level`` returns it.
        reported: figures of a paper, in [0, 1], by k, by label; they are drawn hollow and called reported.
        title: the heading.
        note: what is counted.
        axis: what the axis of the bars counts, in percent.
    """

    accuracy: Mapping[str, Mapping[int, float]]
    chance: Mapping[int, float] = field(default_factory=dict)
    reported: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    title: str = "Video retrieval"
    note: str = "How often one of the k nearest training videos shows the query's class."
    axis: str = "queries with a hit (%)"

    name = "top_k"
    is_figure = True

    @property
    def ks(self) -> list[int]:
        """Every k for which something was measured."""
        return sorted({k for values in self.accuracy.values() for k in values})

    @property
    def longest_label(self) -> int:
        """Characters of the longest label of a bar."""
        return max(map(len, [*self.accuracy, *map(self.as_reported, self.reported)]), default=0)

    def as_reported(self, label: str) -> str:
        """The label of a bar that was not measured here."""
        return f"reported: {label}"
