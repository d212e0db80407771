"""What is measured of a member: the columns of the table."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

PERCENT, SECONDS_PER_HOUR = 100.0, 3600
PRETRAIN = ""  # where the numbers of the training are found: in the folder of the member itself
Numbers = Mapping[str, float]  # of a run, by their names in metrics.json


@dataclass(frozen=True)
class Measure:
    """A column.

    Attributes:
        key: its heading in the CSV file.
        label: its heading elsewhere.
        step: the evaluation that it is of; none: the training.
        find: takes it out of the numbers of that step; None if it is not among them.
        factor: what it is multiplied with.
        digits: decimals that are shown.
        is_reported: whether others have measured it, so that it is not found here.
    """

    key: str
    label: str
    step: str
    find: Callable[[Numbers], float | None]
    factor: float = 1.0
    digits: int = 1
    is_reported: bool = False

    def text(self, value: float) -> str:
        """A value, or a deviation, as it is shown."""
        return f"{self.factor * value:.{self.digits}f}"


VIEWS = r"(?!chance)\w+"  # single ones, and after them all jointly, if there are several
# Of each command, of what it is that the numbers are read from its metrics.json, what they are called, and which of
# them are columns unless the sweep file says otherwise.
WHOSE = {"retrieve": VIEWS, "probe": VIEWS, "finetune": "test"}
TOP_K = {f"top{k}": f"top-{k}, %" for k in (1, 5, 10, 20, 50)}
LABELS = {
    "retrieve": {**TOP_K, "map": "mAP, %"},
    "probe": {"knn_top1": "k-NN, %", "linear_top1": "linear, %"},
    "finetune": {"top1": "top-1, %"},
}
SHOWN = {"retrieve": ("top1", "top5", "map"), "probe": ("knn_top1", "linear_top1"), "finetune": ("top1",)}
REPORTED = ".reported"  # ends the key of a figure of others


def measures_of(
    evaluations: Mapping[str, str], shown: Mapping[str, Sequence[str]], reported: Collection[str] = ()
) -> list[Measure]:
    """The columns of a sweep.

    Args:
        evaluations: the command of every evaluation, by its name.
        shown: which figures of it are columns, by its name; those of :data:`SHOWN` if it is not there.
        reported: keys of measures that figures of others stand beside.
    """
    found = []
    for name, command in evaluations.items():
        for number in shown.get(name, SHOWN[command]):
            measure = _measure(name, command, number)
            others = replace(measure, key=measure.key + REPORTED, label=f"{measure.label}, reported", is_reported=True)
            is_compared = measure.key in reported
            found += [replace(measure, label=f"{measure.label}, measured"), others] if is_compared else [measure]
    return [
        *found,
        Measure("loss", "loss", PRETRAIN, _last_of("train/loss"), digits=3),
        Measure("clips_per_second", "clips/s", PRETRAIN, _last_of("clips_per_second")),
        Measure("seconds", "hours", PRETRAIN, _last_of("seconds"), 1 / SECONDS_PER_HOUR, 2),
    ]


def _measure(evaluation: str, command: str, number: str) -> Measure:
    """A figure of all views jointly, or of the one that is named before the dot."""
    view, _, last = number.rpartition(".")
    label = f"{evaluation} {view} {LABELS[command][last]}".replace("  ", " ")
    whose = re.escape(view) if view else WHOSE[command]
    return Measure(f"{evaluation}.{number}", label, evaluation, _last_of(rf"{whose}\.{last}"), PERCENT)


def _last_of(form: str) -> Callable[[Numbers], float | None]:
    def find(numbers: Numbers) -> float | None:
        values = [value for key, value in numbers.items() if re.fullmatch(form, key)]
        return values[-1] if values else None

    return find
