"""Tables for the terminal and for Markdown."""

from __future__ import annotations

from dataclasses import dataclass

import rich.table


@dataclass(frozen=True)
class Table:
    """A table of text, whose first column says what a row is about.

    Attributes:
        title: what it shows, a sentence.
        columns: heads of the columns.
        rows: cells, as many in each row as there are columns.
    """

    title: str
    columns: list[str]
    rows: list[list[str]]

    def to_markdown(self) -> str:
        """The table in Markdown, under its title."""
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        return "\n".join([self.title, "", *(f"| {' | '.join(cells)} |" for cells in lines)])

    def to_rich(self) -> rich.table.Table:
        """The table for rich's console."""
        table = rich.table.Table(title=self.title, title_justify="left")
        for number, column in enumerate(self.columns):
            table.add_column(column, justify="right" if number else "left")
        for row in self.rows:
            table.add_row(*row)
        return table
