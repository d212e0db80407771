"""What is said of a sweep: its members one by one, over their seeds, and what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from iic_ptv.evaluation.sections import Table
from iic_ptv.launch.sweep.grid import shown
from iic_ptv.launch.sweep.measures import PERCENT, Measure
from iic_ptv.launch.sweep.results import Result, repeated_in, summarise
from iic_ptv.runs.status import FINISHED

ABSENT = "–"
JOINT = "Retrieval and probes are of all views jointly, where a column names none."
OTHERS = " What is reported comes from others, as the sweep file has it, and was not measured here."


@dataclass(frozen=True)
class Tables:
    """All that is said of a sweep.

    Attributes:
        summary: how many members are finished, and when this was written.
        num_measures: how many columns at the right of the next two hold what was measured.
        members: a row for each.
        seeds: means over the seeds and the splits, if these vary.
        troubles: why members failed or stopped, if any did.
    """

    summary: str
    num_measures: int
    members: Table
    seeds: Table | None
    troubles: Table | None

    @property
    def all(self) -> list[Table]:
        """Those that there are."""
        return [table for table in (self.seeds, self.members, self.troubles) if table is not None]


def tables_of(results: Sequence[Result], measures: Sequence[Measure]) -> Tables:
    """Say what has come of the members.

    Args:
        results: all of them.
        measures: the columns of what was measured.
    """
    states = Counter(result.state for result in results)
    others = [f"{number} {state}" for state, number in states.items() if state != FINISHED]
    counts = ", ".join([f"{states[FINISHED]} of {len(results)} members finished", *others])
    return Tables(
        f"{counts}; {datetime.now().astimezone():%Y-%m-%d %H:%M:%S %Z}.",
        len(measures),
        _member_table(results, measures),
        _seed_table(results, measures),
        _trouble_table(results),
    )


def _member_table(results: Sequence[Result], measures: Sequence[Measure]) -> Table:
    labels = _labels(results[0].options)
    rows = [
        [
            *map(shown, result.options.values()),
            result.state,
            *(_cell(measure, result.values.get(measure.key)) for measure in measures),
        ]
        for result in results
    ]
    values = [[result.values.get(measure.key) for measure in measures] for result in results]
    note = f"{JOINT} The hours are those of the training since it last went on.{_others(measures)}"
    head = [*labels, "state", *(measure.label for measure in measures)]
    return Table("Members", head, rows, note, _best(values, measures, len(labels) + 1))


def _seed_table(results: Sequence[Result], measures: Sequence[Measure]) -> Table | None:
    summaries = summarise(results)
    if not summaries:
        return None
    repeated = " and ".join(repeated_in(results[0].options))
    labels = _labels(summaries[0].options)
    rows, values = [], []
    for summary in summaries:
        found = [summary.mean_and_deviation(measure) for measure in measures]
        values.append([mean and mean[0] for mean in found])
        cells = [_spread(measure, mean) for measure, mean in zip(measures, found, strict=True)]
        rows.append([*map(shown, summary.options.values()), f"{summary.finished} of {len(summary.results)}", *cells])
    head = [*labels, repeated, *(measure.label for measure in measures)]
    note = f"Mean ± standard deviation of the sample, of the {repeated} that have a result.{_others(measures)}"
    return Table(f"Over the {repeated}", head, rows, note, _best(values, measures, len(labels) + 1))


def _trouble_table(results: Sequence[Result]) -> Table | None:
    rows = [(result.name, result.state, result.message) for result in results if result.message]
    return Table("Troubles", ("member", "state", "why"), rows) if rows else None


def _best(
    values: Sequence[Sequence[float | None]], measures: Sequence[Measure], first: int
) -> frozenset[tuple[int, int]]:
    """The cells of the best accuracies, where not all are alike."""
    best = set()
    for number, measure in enumerate(measures):
        column = [row[number] for row in values]
        known = [value for value in column if value is not None]
        if measure.factor == PERCENT and not measure.is_reported and len(set(known)) > 1:
            best |= {(row, first + number) for row, value in enumerate(column) if value == max(known)}
    return frozenset(best)


def _labels(options: Mapping[str, object]) -> list[str]:
    """Options by the last part of their names, where that tells them apart."""
    last = [option.rsplit(".", 1)[-1] for option in options]
    return [short if last.count(short) == 1 else option for option, short in zip(options, last, strict=True)]


def _others(measures: Sequence[Measure]) -> str:
    return OTHERS if any(measure.is_reported for measure in measures) else ""


def _cell(measure: Measure, value: float | None) -> str:
    return ABSENT if value is None else measure.text(value)


def _spread(measure: Measure, found: tuple[float, float | None] | None) -> str:
    if found is None:
        return ABSENT
    mean, deviation = found
    return measure.text(mean) + ("" if deviation is None else f" ± {measure.text(deviation)}")
