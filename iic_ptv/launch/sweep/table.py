"""The table of a sweep in its folder: as CSV, as Markdown, and as a page."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from iic_ptv.evaluation.report import Report, write_report
from iic_ptv.files.atomic import atomic_write
from iic_ptv.launch.sweep.grid import shown
from iic_ptv.launch.sweep.measures import Measure
from iic_ptv.launch.sweep.record import SweepRecord, read_sweep_record
from iic_ptv.launch.sweep.results import Result, collect, measures_of_sweep
from iic_ptv.launch.sweep.tables import Tables, tables_of
from iic_ptv.runs.folder import versions

CSV, MARKDOWN, PAGE = "table.csv", "table.md", "table.html"
LOCK = ".table.lock"
PATIENCE = 60  # seconds to wait for another member that is writing the table


def update_table(folder: Path, cluster_is_asked: bool = False) -> Tables:
    """Collect what has come of the members by now, and write it into the folder of the sweep.

    Members that end at the same time take turns, and whoever reads the files finds the old or the new ones whole.

    Args:
        folder: the folder of the sweep.
        cluster_is_asked: whether to ask for the jobs of members; else what they said themselves is believed.

    Raises:
        InputError: the folder is none of a sweep, a file is damaged, or the table cannot be written.
        OSError: likewise.
    """
    with FileLock(folder / LOCK, timeout=PATIENCE):
        record = read_sweep_record(folder)
        results, measures = collect(folder, record, cluster_is_asked), measures_of_sweep(record)
        tables = tables_of(results, measures)
        _write_csv(folder / CSV, results, measures)
        with atomic_write(folder / MARKDOWN) as temporary:
            temporary.write_text(_markdown(record, tables), encoding="utf-8")
        title = f"Sweep {Path(record.file).stem}"
        write_report(folder / PAGE, Report(title, tables.summary, tables.all, record.text, versions(), record.command))
    return tables


def _markdown(record: SweepRecord, tables: Tables) -> str:
    lines = [f"# Sweep {Path(record.file).stem}", "", tables.summary, ""]
    for table in tables.all:
        head = [f"| {' | '.join(table.head)} |", f"|{'---|' * len(table.head)}"]
        rows = [f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |" for row in table.rows]
        lines += [f"## {table.title}", "", *head, *rows, "", *([table.note, ""] if table.note else [])]
    return "\n".join(lines)


def _write_csv(path: Path, results: Sequence[Result], measures: Sequence[Measure]) -> None:
    """Numbers as they were measured, or are reported: accuracies are shares."""
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["member", *results[0].options, "state", *(measure.key for measure in measures), "message"])
        for result in results:
            values = [result.values.get(measure.key, "") for measure in measures]
            table.writerow([result.name, *map(shown, result.options.values()), result.state, *values, result.message])
