"""What is measured of a member: the columns of the table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

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
    """

    key: str
    label: str
    step: str
    find: Callable[[Numbers], float | None]
    factor: float = 1.0
    digits: int = 1

    def text(self, value: float) -> str:
        """A value, or a deviation, as it is shown."""
        return f"{self.factor * value:.{self.digits}f}"


VIEWS = r"(?!chance)\w+"  # single ones, and after them all jointly, if there are several
# Of each command, of what it is that the numbers are read from its metrics.json, and what they are called.
NUMBERS = {
    "retrieve": (VIEWS, {"top1": "top-1, %", "top5": "top-5, %", "map": "mAP, %"}),
    "probe": (VIEWS, {"knn_top1": "k-NN, %", "linear_top1": "linear, %"}),
    "finetune": ("test", {"top1": "top-1, %"}),
}


def measures_of(evaluations: Mapping[str, str]) -> list[Measure]:
    """The columns of a sweep.

    Args:
        evaluations: the command of every evaluation, by its name.
    """
    found = []
    for name, command in evaluations.items():
        whose, labels = NUMBERS[command]
        for number, label in labels.items():
            find = _last_of(rf"{whose}\.{number}")
            found.append(Measure(f"{name}.{number}", f"{name} {label}", name, find, PERCENT))
    return [
        *found,
        Measure("loss", "loss", PRETRAIN, _last_of("train/loss"), digits=3),
        Measure("clips_per_second", "clips/s", PRETRAIN, _last_of("clips_per_second")),
        Measure("seconds", "hours", PRETRAIN, _last_of("seconds"), 1 / SECONDS_PER_HOUR, 2),
    ]


def _last_of(form: str) -> Callable[[Numbers], float | None]:
    def find(numbers: Numbers) -> float | None:
        values = [value for key, value in numbers.items() if re.fullmatch(form, key)]
        return values[-1] if values else None

    return find
