"""The figures of a checkpoint in order: a table for the data that they were measured on, a column for each view."""

from __future__ import annotations

from dataclasses import dataclass

from iic_ptv.zoo.record import MEASURED, Metric, Record

HEADLINE = " top-1"  # figures of whose names end so are shown in overviews, without it
FEW_SHOT = "-shot"


@dataclass(frozen=True)
class FigureTable:
    """Figures on the same data.

    Attributes:
        data: which data.
        source: ``measured`` or ``reported``, with when or where.
        views: the columns.
        rows: for each figure its name, how it was measured, and what is in the column of each view, empty if nothing.
    """

    data: str
    source: str
    views: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[str, ...]], ...]


def figure_tables(record: Record) -> list[FigureTable]:
    """All figures of a checkpoint; those before training follow in brackets."""
    by_data: dict[str, list[Metric]] = {}
    for metric in record.metrics:
        by_data.setdefault(metric.data, []).append(metric)
    return [_table(metrics) for metrics in by_data.values()]


def headlines(record: Record) -> list[str]:
    """A line for each data: top-1 of each kind of figure, of all views jointly where it is of several.

    Probes that know few examples are left out.
    """
    lines = []
    for table in figure_tables(record):
        last = {
            name.removesuffix(HEADLINE): next(filter(None, reversed(cells)))
            for name, _, cells in table.rows
            if name.endswith(HEADLINE) and FEW_SHOT not in name
        }
        lines += [f"{table.data}: {', '.join(f'{name} {figure}' for name, figure in last.items())}"] if last else []
    return lines


def _table(metrics: list[Metric]) -> FigureTable:
    views = tuple(dict.fromkeys(metric.view for metric in metrics))
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for metric in metrics:
        rows.setdefault((metric.name, metric.how), {})[metric.view] = _in_short(metric)
    sources = dict.fromkeys(map(_source, metrics))
    return FigureTable(
        metrics[0].data,
        ", ".join(sources),
        views,
        tuple((name, how, tuple(cells.get(view, "") for view in views)) for (name, how), cells in rows.items()),
    )


def _in_short(metric: Metric) -> str:
    return f"{metric.value:.1f}{'' if metric.untrained is None else f' ({metric.untrained:.1f})'}"


def _source(metric: Metric) -> str:
    if not metric.date:
        return metric.source
    return f"{metric.source} {'on' if metric.source == MEASURED else 'at'} {metric.date}"
