"""What has come of the members of a sweep by now."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iic_ptv.launch.sweep.grid import SEED, SPLIT
from iic_ptv.launch.sweep.measures import PRETRAIN, REPORTED, Measure, measures_of
from iic_ptv.launch.sweep.record import MEMBERS, SweepRecord
from iic_ptv.launch.sweep.state import states_of
from iic_ptv.runs.folder import METRICS
from iic_ptv.runs.run_record import read_numbers
from iic_ptv.runs.status import FINISHED

REPEATED = {SEED: "seeds", SPLIT: "splits"}


@dataclass(frozen=True)
class Result:
    """What has come of a member.

    Attributes:
        name: what it is called.
        options: those that vary.
        state: how it is.
        message: why it ended before it was finished, if it did.
        values: what was measured, and what others report, by the key of the measure.
    """

    name: str
    options: Mapping[str, Any]
    state: str
    message: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Summary:
    """Members that differ in their seeds and splits alone.

    Attributes:
        options: those that vary beside these.
        results: the members.
    """

    options: Mapping[str, Any]
    results: Sequence[Result]

    @property
    def finished(self) -> int:
        """How many have all their results."""
        return sum(result.state == FINISHED for result in self.results)

    def mean_and_deviation(self, measure: Measure) -> tuple[float, float | None] | None:
        """Over those that have it, the deviation of the sample; None where it takes more of them."""
        values = [result.values[measure.key] for result in self.results if measure.key in result.values]
        if not values:
            return None
        deviates = len(values) > 1 and not measure.is_reported
        return statistics.mean(values), statistics.stdev(values) if deviates else None


def collect(folder: Path, record: SweepRecord, cluster_is_asked: bool) -> list[Result]:
    """Look at all members.

    Args:
        folder: the folder of the sweep.
        record: what it says of the sweep.
        cluster_is_asked: whether to ask for their jobs; else what they said themselves is believed.

    Raises:
        InputError: a file with results is damaged.
    """
    measured = [measure for measure in measures_of_sweep(record) if not measure.is_reported]
    home = folder.parent / record.home if record.home else folder
    folders = {name: home / MEMBERS / name for name in record.members}
    steps = {name: [*([] if name in record.untrained else [PRETRAIN]), *record.evaluations] for name in record.members}
    done = {place: all((place / step / METRICS).is_file() for step in steps[name]) for name, place in folders.items()}
    states = states_of(done, cluster_is_asked)
    results = []
    for name, options in record.members.items():
        state = states[folders[name]]
        numbers = {step: read_numbers(folders[name] / step) for step in steps[name]}
        found = {measure.key: measure.find(numbers.get(measure.step, {})) for measure in measured}
        reported = {key + REPORTED: value for key, value in record.reported.get(name, {}).items()}
        values = {key: value for key, value in {**found, **reported}.items() if value is not None}
        results.append(Result(name, options, state.name, state.why if state.is_over else "", values))
    return results


def measures_of_sweep(record: SweepRecord) -> list[Measure]:
    """The columns of a sweep's table."""
    reported = {key for figures in record.reported.values() for key in figures}
    return measures_of(record.evaluations, record.shown, reported)


def summarise(results: Sequence[Result]) -> list[Summary]:
    """Put members together that differ in their seeds and splits alone; nothing if none of these vary."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        if not repeated_in(result.options):
            return []
        groups.setdefault(str(_without_repeated(result)), []).append(result)
    return [Summary(_without_repeated(group[0]), group) for group in groups.values()]


def repeated_in(options: Mapping[str, Any]) -> list[str]:
    """What of the options makes another run of the same: seeds, splits."""
    return [word for option, word in REPEATED.items() if option in options]


def _without_repeated(result: Result) -> dict[str, Any]:
    return {option: value for option, value in result.options.items() if option not in REPEATED}
