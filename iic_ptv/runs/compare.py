"""Runs side by side: their numbers, in what their configurations differ, and their curves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.table import Table as TerminalTable
from rich.text import Text

from iic_ptv.config import default_config
from iic_ptv.errors import InputError
from iic_ptv.evaluation.curves import by_title
from iic_ptv.evaluation.report import Report, write_report
from iic_ptv.evaluation.sections import Curves, Section, Table, TopK
from iic_ptv.runs.folder import command_line, create_run_folder, versions, write_json
from iic_ptv.runs.run_record import RunRecord, labels_of, read_run
from iic_ptv.runs.terminal import console, say

ABSENT = "–"
PER_CLASS = "per_class."  # numbers of single classes, too many for a terminal
ACCURACY = re.compile(r"(^|[._/])(top\d+|map|accuracy|shots\d+)$")  # of these, more is known to be better
TOP_K = re.compile(r"^(?P<what>.*?)[._/]?top(?P<k>\d+)$")
CHANCE = "chance"
SIDE_BY_SIDE = 6  # runs that stand in one table on the terminal, if need be with cells on several lines
WIDEST, NARROWEST, NAME, BORDER = 30, 7, 16, 3  # characters of a column, at most and least, and around it


def compare_command(folders: Sequence[str], output: str | None) -> None:
    """Say how runs differ, and write a report on it.

    Args:
        folders: the run folders.
        output: the HTML page to write; None: ``report.html`` and ``metrics.json`` in a run folder of their own.

    Raises:
        InputError: fewer than two runs, or a folder that is none.
    """
    if len(folders) < 2:
        raise InputError("iic compare: name two run folders or more.")
    records = [read_run(folder) for folder in folders]
    runs = dict(zip(labels_of(records), records, strict=True))
    numbers, classes = _number_tables(runs)
    differences = _differences(runs)
    for number, label in enumerate(runs, start=1):
        say(f"{number}: {label}")
    _print(_shared(numbers), folded=False)
    _print(differences, folded=True)
    if output is None:
        folder = create_run_folder(default_config().OUTPUT, "compare", f"{len(runs)}-runs")
        write_json(folder / "metrics.json", {label: run.numbers for label, run in runs.items()})
        page = folder / "report.html"
    else:
        page = Path(output)
    tables = [table for table in (numbers, differences, classes) if table.rows]
    sections = [*_top_k(runs), *tables[:2], *_curves(runs), *tables[2:]]
    write_report(page, Report("Runs side by side", _summary(runs), sections, "", versions(), command_line()))
    say(f"report: {page}")


def _summary(runs: dict[str, RunRecord]) -> str:
    return f"{len(runs)} runs: {', '.join(runs)}."


def _number_tables(runs: dict[str, RunRecord]) -> tuple[Table, Table]:
    """The numbers of whole runs, and those of single classes."""
    keys = _union(run.numbers for run in runs.values())
    whole = [key for key in keys if PER_CLASS not in key]
    note = "What any of the runs has in its metrics.json. The best accuracies are set off."
    return (
        _number_table("Numbers", whole, runs, note),
        _number_table(
            "Class by class", [key for key in keys if PER_CLASS in key], runs, "The same for single classes."
        ),
    )


def _number_table(title: str, keys: list[str], runs: dict[str, RunRecord], note: str) -> Table:
    rows, best = [], set()
    for row, key in enumerate(keys):
        values = [run.numbers.get(key) for run in runs.values()]
        rows.append([key, *(ABSENT if value is None else _number(value) for value in values)])
        best |= {(row, column) for column in _best(key, values)}
    return Table(title, ["", *runs], rows, note, frozenset(best))


def _best(key: str, values: list[float | None]) -> list[int]:
    """The columns of the best values, where more is better and not all are alike."""
    known = [value for value in values if value is not None]
    if not ACCURACY.search(key) or CHANCE in key.split(".") or len(set(known)) < 2:
        return []
    return [column for column, value in enumerate(values, start=1) if value == max(known)]


def _differences(runs: dict[str, RunRecord]) -> Table:
    """The options that are not the same in all runs."""
    rows = []
    for key in _union(run.config for run in runs.values()):
        values = [str(run.config.get(key, ABSENT)) for run in runs.values()]
        if len(set(values)) > 1:
            rows.append([key, *values])
    return Table("Configurations", ["", *runs], rows, "The options that are not the same in all runs.")


def _top_k(runs: dict[str, RunRecord]) -> list[Section]:
    """A chart of every top-k accuracy that two runs or more have."""
    found: dict[str, dict[str, dict[int, float]]] = {}
    for label, run in runs.items():
        for key, value in run.numbers.items():
            if (match := TOP_K.match(key)) and PER_CLASS not in key:
                found.setdefault(match["what"], {}).setdefault(label, {})[int(match["k"])] = value
    levels = list(found.pop(CHANCE, {}).values())
    chance = levels[0] if len(levels) == len(runs) and all(level == levels[0] for level in levels) else {}
    return [
        TopK(accuracy, chance, title=f"{what or 'all'}: top-k", note="", axis="accuracy (%)")
        for what, accuracy in found.items()
        if len(accuracy) > 1
    ]


def _curves(runs: dict[str, RunRecord]) -> list[Section]:
    curves = by_title({label: run.curves for label, run in runs.items()})
    return [Curves(curves)] if curves else []


def _shared(numbers: Table) -> Table:
    """The accuracies, and the other numbers that two runs or more have; the rest is for the page."""
    kept = [
        row
        for row, values in enumerate(numbers.rows)
        if ACCURACY.search(str(values[0])) or len(values) - values.count(ABSENT) > 2  # its name, and two numbers
    ]
    best = frozenset((kept.index(row), column) for row, column in numbers.best if row in kept)
    return replace(numbers, rows=[numbers.rows[row] for row in kept], best=best)


def _print(table: Table, folded: bool) -> None:
    """Print a table with numbers for the runs, a few at a time where the terminal is too narrow for all.

    Args:
        table: the table.
        folded: its cells may go on several lines; a number would be misread.
    """
    if not table.rows:
        return
    name, cell = (min(max(map(len, cells)), WIDEST) for cells in _cells_by_kind(table))
    least = min(name, NAME)
    cramped = min(_fitting(least, min(cell, NARROWEST) if folded else cell), SIDE_BY_SIDE)
    at_once = max(_fitting(name, cell), cramped, 1)
    width = min(name, max(least, console.width - at_once * (cell + BORDER) - BORDER - 1))  # of the names
    for first in range(1, len(table.head), at_once):
        columns = [0, *range(first, min(first + at_once, len(table.head)))]
        shown = TerminalTable(title=table.title, title_justify="left")
        for column in columns:
            if column == 0:
                shown.add_column(overflow="fold", width=width)
            else:
                shown.add_column(str(column), overflow="fold", max_width=WIDEST, no_wrap=not folded)
        for number, row in enumerate(table.rows):
            best = ("bold green" if (number, column) in table.best else "" for column in columns)
            shown.add_row(*(Text(str(row[column]), style) for column, style in zip(columns, best, strict=True)))
        console.print(shown)


def _cells_by_kind(table: Table) -> tuple[list[str], list[str]]:
    """The texts of the first column, and those of all others."""
    return [str(row[0]) for row in table.rows], [str(cell) for row in table.rows for cell in row[1:]]


def _fitting(name: int, cell: int) -> int:
    """How many columns of a width the terminal has room for, beside that of the names."""
    return (console.width - name - BORDER - 1) // (cell + BORDER)


def _union(parts: Iterable[dict[str, Any]]) -> list[str]:
    """All keys, each once, in the order of first appearance."""
    return list(dict.fromkeys(key for part in parts for key in part))


def _number(value: float) -> str:
    """At most seven characters for all but counts of millions, so that many stand side by side."""
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{round(value, 4):.4g}" if abs(value) >= 0.001 else f"{value:.2g}"
