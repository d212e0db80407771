"""A table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from iic_ptv.evaluation.sections.section import Section

LONG = 24  # rows, above which a table is folded


@dataclass(frozen=True)
class Table(Section):
    """A table with a heading; a long one is folded.

    Attributes:
        title: the heading.
        head: the headings of the columns.
        rows: the cells of every row, the first of which names it; numbers are written with one decimal if they are no
            integers. A column stands at the right if none of its cells begins with a letter.
        note: what is to be known to read it.
        best: cells that stand out, by row and column.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str | float]]
    note: str = ""
    best: Collection[tuple[int, int]] = ()

    name = "table"

    @property
    def numeric_columns(self) -> set[int]:
        """The columns that stand at the right."""
        columns = range(1, len(self.head))
        return {column for column in columns if not any(str(row[column])[:1].isalpha() for row in self.rows)}

    @property
    def is_long(self) -> bool:
        """Whether it would push what follows off the screen."""
        return len(self.rows) > LONG
