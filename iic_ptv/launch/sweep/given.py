"""What the command line changes of a sweep: where its videos lie, and options of all members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from iic_ptv.errors import InputError
from iic_ptv.launch.sweep.file import SweepFile
from iic_ptv.launch.sweep.said import check_known


def with_given(file: SweepFile, data: Sequence[str], overrides: Sequence[str]) -> SweepFile:
    """The sweep with what was given in the place of what its file says.

    Args:
        file: the sweep.
        data: ``FOLDER`` of the videos that are trained on, and ``EVALUATION=FOLDER`` of those of an evaluation.
        overrides: ``KEY VALUE`` pairs, for all members.

    Raises:
        InputError: there is no such evaluation, or an option that is given varies in the grid.
    """
    if twice := next((option for option in overrides[::2] if option in file.grid), None):
        raise InputError(f"{twice} is given and stands in the grid of {file.path}; leave it out of one of them.")
    words = [*(word for text in data for word in ("--data", text)), *overrides]
    file = replace(file, overrides=tuple(overrides), given=tuple(words))
    for text in data:
        file = _with_folder(file, text)
    return file


def _with_folder(file: SweepFile, text: str) -> SweepFile:
    name, found, folder = text.partition("=")
    if not found or Path(text).exists():
        return replace(file, data=text)
    check_known([name], [each.name for each in file.evaluations], f"--data {text}: ", f"evaluation in {file.path}")
    evaluations = (replace(each, data=folder) if each.name == name else each for each in file.evaluations)
    return replace(file, evaluations=tuple(evaluations))
