"""Retrieval accuracies as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table


def accuracy_table(rows: Mapping[str, Mapping[int, float]], chance: Mapping[int, float]) -> Table:
    """Top-k accuracies in percent, a row each, above those of a random ranking."""
    table = Table("retrieval, % of queries", *(f"top-{k}" for k in chance))
    for name, accuracy in [*rows.items(), ("chance", chance)]:
        table.add_row(name, *(f"{100 * value:.1f}" for value in accuracy.values()))
    return table
