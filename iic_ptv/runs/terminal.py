"""What commands say on the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

console = Console()


def accuracy_table(rows: Mapping[str, Mapping[int, float]], chance: Mapping[int, float]) -> Table:
    """Top-k accuracies in percent, a row each, above those of a random ranking."""
    table = Table("retrieval, % of queries", *(f"top-{k}" for k in chance))
    for name, accuracy in [*rows.items(), ("chance", chance)]:
        table.add_row(name, *(f"{100 * value:.1f}" for value in accuracy.values()))
    return table


def say(text: str, style: str | None = None) -> None:
    """Print a line as it is: names of files may hold brackets, which rich would take for markup."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
