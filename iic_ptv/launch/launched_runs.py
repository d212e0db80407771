"""Runs that were launched as jobs, by the record that each has in its folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from iic_ptv.config import default_config
from iic_ptv.errors import InputError
from iic_ptv.launch.record import JOB, JobRecord, read_record

DEEPEST = 5  # folders below the one that is searched; members of sweeps are at 4
WITHOUT_RUNS = re.compile(r"\..*|code(-\d+)?|checkpoints|logs|job|plan")


@dataclass(frozen=True)
class LaunchedRun:
    """A run and its job.

    Attributes:
        folder: the run folder.
        record: the last job that was submitted for it.
    """

    folder: Path
    record: JobRecord


def runs_of(names: Sequence[str]) -> list[LaunchedRun]:
    """The runs that are named, by their folders or by one above, such as that of a sweep; the newest first.

    Args:
        names: the folders; none: all runs in the output folder.

    Raises:
        InputError: there is no such folder, or nothing in it was launched; or a record is damaged.
    """
    if not names:
        output = Path(default_config().OUTPUT)
        return _newest_first(find_runs(output)) if output.is_dir() else []
    found: dict[Path, LaunchedRun] = {}
    for name in names:
        folder = Path(name)
        if not folder.is_dir():
            raise InputError(f"{name}: there is no such run folder.")
        runs = list(find_runs(folder))
        if not runs:
            raise InputError(f"{name}: no run here was launched as a job, there is no {JOB}; see iic launch --help.")
        found |= {run.folder.resolve(): run for run in runs}
    return _newest_first(found.values())


def find_runs(folder: Path, deepest: int = DEEPEST) -> Iterator[LaunchedRun]:
    """The launched run that a folder is, or those inside.

    Raises:
        InputError: a record is damaged.
    """
    if record := read_record(folder):
        yield LaunchedRun(folder, record)
    elif deepest:
        for inside in sorted(folder.iterdir()):
            if inside.is_dir() and not inside.is_symlink() and not WITHOUT_RUNS.fullmatch(inside.name):
                yield from find_runs(inside, deepest - 1)


def _newest_first(runs: Iterable[LaunchedRun]) -> list[LaunchedRun]:
    """By when they were submitted; those of an array stay in their order."""
    return sorted(runs, key=lambda run: run.record.submitted, reverse=True)
