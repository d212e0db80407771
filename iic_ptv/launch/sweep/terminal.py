"""The table of a sweep on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table as TerminalTable
from rich.text import Text

from iic_ptv.evaluation.sections import Table
from iic_ptv.launch.sweep.tables import Tables
from iic_ptv.runs.terminal import console, say

BORDER = 3  # characters around the cell of a column


def say_tables(tables: Tables) -> None:
    """Print them, a part of what was measured at a time where the terminal is too narrow for all."""
    for table in (tables.seeds, tables.members):
        if table is not None:
            first = len(table.head) - tables.num_measures
            for columns in _parts(table, first):
                _print(table, columns, first)
    if tables.troubles is not None:
        _print(tables.troubles, range(len(tables.troubles.head)), len(tables.troubles.head))
    say(tables.summary)


def _parts(table: Table, first: int) -> list[list[int]]:
    """Columns that fit beside each other: those that name the rows, and some of those from ``first`` on."""
    names = list(range(first))
    room = console.width - 1 - sum(_width(table, column) for column in names)
    parts: list[list[int]] = [[]]
    for column in range(first, len(table.head)):
        if parts[-1] and sum(_width(table, each) for each in [*parts[-1], column]) > room:
            parts.append([])
        parts[-1].append(column)
    return [names + part for part in parts]


def _width(table: Table, column: int) -> int:
    return BORDER + max(len(line) for cell in _column(table, column) for line in cell.split("\n"))


def _column(table: Table, column: int) -> list[str]:
    return [table.head[column].replace(" ", "\n", 1), *(str(row[column]) for row in table.rows)]


def _print(table: Table, columns: Sequence[int], first: int) -> None:
    printed = TerminalTable(title=table.title, title_justify="left")
    for column in columns:
        is_number = column in table.numeric_columns and column >= first
        printed.add_column(
            _column(table, column)[0],
            justify="right" if is_number else "left",
            no_wrap=is_number,
            vertical="bottom" if is_number else "top",
            overflow="fold",
        )
    for number, row in enumerate(table.rows):
        styles = ["bold green" if (number, column) in table.best else "" for column in columns]
        printed.add_row(*(Text(str(row[column]), style) for column, style in zip(columns, styles, strict=True)))
    console.print(printed)
