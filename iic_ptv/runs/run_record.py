"""What a run folder tells of its run: numbers, configuration and curves."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from iic_ptv.errors import InputError
from iic_ptv.evaluation.curves import Curve
from iic_ptv.runs.folder import CONFIG, METRICS
from iic_ptv.runs.training_curves import training_curves

DATE = re.compile(r"^\d{8}-\d{6}-")  # that names of run folders begin with


@dataclass(frozen=True)
class RunRecord:
    """A run, as its folder tells it.

    Attributes:
        folder: the run folder.
        numbers: what is in its ``metrics.json``, by the names on the way to it with dots between; texts are left out.
        config: its options, likewise.
        curves: what was logged in training, by metric; empty for other runs.
    """

    folder: Path
    numbers: dict[str, float]
    config: dict[str, Any]
    curves: dict[str, Curve]


def read_run(folder: str | Path) -> RunRecord:
    """Read a run folder; of one that has not ended, there are no numbers yet.

    Raises:
        InputError: it is no run folder, or one of its files is damaged.
    """
    folder = Path(folder)
    config = folder / CONFIG
    if not (folder / METRICS).is_file() and not config.is_file():
        raise InputError(f"{folder}: not the folder of a run: there is no {METRICS} and no {CONFIG} in it.")
    return RunRecord(folder, read_numbers(folder), dict(flat(_read(config))), training_curves(folder))


def read_numbers(folder: Path) -> dict[str, float]:
    """The numbers of a run, as in :class:`RunRecord`; none before it has ended.

    Raises:
        InputError: the file with them is damaged.
    """
    return {key: value for key, value in flat(_read(folder / METRICS)) if isinstance(value, int | float)}


def labels_of(runs: Sequence[RunRecord]) -> list[str]:
    """What to call the runs: the folder's name without the date, or where another is called so, with it or by the path.

    Raises:
        InputError: a run is named twice.
    """
    names = [run.folder.resolve().name for run in runs]
    labels = [DATE.sub("", name) for name in names]
    for longer in (names, [str(run.folder) for run in runs]):
        times = Counter(labels)
        labels = [more if times[label] > 1 else label for label, more in zip(labels, longer, strict=True)]
    if len(set(labels)) < len(labels):
        raise InputError("a run is named twice; name each once.")
    return labels


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text()) if path.suffix == ".json" else yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read ({error}).") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected names with values, found {type(content).__name__}.")
    return content


def flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Values in nested groups, by the names on the way to them with dots between."""
    for name, value in content.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
