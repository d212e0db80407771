"""Runs side by side: their numbers, in what their configurations differ, and their curves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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
WIDEST, BORDER = 30, 3  # characters of a column on the terminal, and around it


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
    for table in (numbers, differences):
        _print(table)
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


def _print(table: Table) -> None:
    """Print a table, a few runs at a time where the terminal is too narrow for all."""
    name, cell = (min(max(map(len, cells)), WIDEST) for cells in _cells_by_kind(table))
    at_once = max((console.width - name - BORDER) // (cell + BORDER), 1)
    for first in range(1, len(table.head), at_once):
        columns = [0, *range(first, min(first + at_once, len(table.head)))]
        shown = TerminalTable(title=table.title, title_justify="left")
        for column in columns:
            shown.add_column(Text(table.head[column]), overflow="fold", max_width=WIDEST)
        for number, row in enumerate(table.rows):
            best = ("bold green" if (number, column) in table.best else "" for column in columns)
            shown.add_row(*(Text(str(row[column]), style) for column, style in zip(columns, best, strict=True)))
        console.print(shown)


def _cells_by_kind(table: Table) -> tuple[list[str], list[str]]:
    """The texts of the first column, and those of all others."""
    rows = [table.head, *table.rows]
    return [str(row[0]) for row in rows], [str(cell) for row in rows for cell in row[1:]]


def _union(parts: Iterable[dict[str, Any]]) -> list[str]:
    """All keys, each once, in the order of first appearance."""
    return list(dict.fromkeys(key for part in parts for key in part))


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
