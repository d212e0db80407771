"""What `iic zoo list` and `iic zoo show` print."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from iic_ptv.runs.terminal import console, say
from iic_ptv.zoo.catalogue import RECORDS, catalogue_folder
from iic_ptv.zoo.figure_tables import FigureTable, figure_tables, headlines
from iic_ptv.zoo.record import REPORTED, Record
from iic_ptv.zoo.tables import facts, file_size


def show_list(found: Iterable[Record]) -> None:
    """Print what there is: of each its name and size, what it is, and its figures."""
    for record in found:
        size = file_size(record.files[0].bytes) if record.files else "to be downloaded and converted"
        say(f"{record.name}{' (default)' if record.default else ''}, {size}", style="bold")
        figures = [f"{line}{'' if record.files else f' ({REPORTED})'}" for line in headlines(record)]
        for line in (record.title, *figures):
            say(f"  {line}")
    say("\ntop-1 in percent, in brackets before training; all about one: iic zoo show NAME")


def show_record(record: Record, zoo: str | None = None) -> None:
    """Print all that is known of a checkpoint of our own ``model_zoo``, or of another."""
    say(f"{record.name}: {record.title}\n")
    grid = folding_table("", "", box=None, show_header=False, padding=(0, 2, 0, 0))
    for about, text in facts(record).items():
        grid.add_row(*map(escape, (about, text)))
    console.print(grid)
    for what, beside in (("configuration", record.config), ("log", record.log)):
        if beside:  # not in the table, which would fold it
            say(f"{what}: {(Path(zoo) if zoo else catalogue_folder()) / RECORDS / beside}")
    for file in record.files:
        say(f"\n{file.file}: {file_size(file.bytes)}, {file.dtype}, SHA-256\n{file.sha256}")
    for figures in figure_tables(record):
        say(f"\n{figures.data}, {figures.source}; in brackets before training:")
        table = folding_table("%", *figures.views)
        for name, _, cells in figures.rows:
            table.add_row(*map(escape, (name, *cells)))
        console.print(table)
        for how, names in _by_protocol(figures).items():
            say(f"{', '.join(names)}: {how}")


def _by_protocol(figures: FigureTable) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for name, how, _ in figures.rows:
        if how:
            names.setdefault(how, []).append(name)
    return names


def folding_table(*columns: str, **options: Any) -> Table:
    """A table that shows names and hashes whole, however narrow the terminal is."""
    table = Table(**options)
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    return table
