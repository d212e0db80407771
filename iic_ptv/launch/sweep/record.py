"""What the folder of a sweep tells of it, for those that collect its results."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iic_ptv.errors import InputError
from iic_ptv.files.structured import StructureError, from_json, to_json
from iic_ptv.launch.sweep.file import SweepFile
from iic_ptv.launch.sweep.grid import members_of
from iic_ptv.runs.folder import write_json

# In the folder of a sweep: the record, the folders of the members, and what whoever submits members has locked.
SWEEP, MEMBERS, LOCK = "sweep.json", "members", ".submit.lock"


@dataclass(frozen=True)
class SweepRecord:
    """A sweep, as its folder tells it.

    Attributes:
        file: the sweep file.
        text: what it held.
        members: the options that vary of every member, by its name.
        evaluations: the command of every evaluation, by its name.
    """

    file: str
    text: str
    members: dict[str, Any]
    evaluations: dict[str, Any]

    @property
    def command(self) -> str:
        """What goes on with the sweep."""
        return f"iic sweep {shlex.quote(self.file)}"


def write_sweep_record(folder: Path, file: SweepFile) -> None:
    """Note a sweep in its folder.

    Raises:
        InputError: the folder is that of another sweep file, or two members would be called alike.
    """
    path = file.path.absolute()
    if (folder / SWEEP).is_file():
        before = Path(read_sweep_record(folder).file)
        if before.is_file() and not before.samefile(path):
            raise InputError(f"{folder} is the folder of {before}; give {path} another name.")
    evaluations: Mapping[str, str] = {each.name: each.command for each in file.evaluations}
    record = SweepRecord(str(path), file.text, dict(members_of(file.grid)), dict(evaluations))
    write_json(folder / SWEEP, to_json(record))


def read_sweep_record(folder: Path) -> SweepRecord:
    """The sweep of a folder.

    Raises:
        InputError: it is none, or the record is damaged.
    """
    try:
        return from_json(SweepRecord, json.loads((folder / SWEEP).read_text()))
    except FileNotFoundError as error:
        raise InputError(f"{folder}: this is not the folder of a sweep; there is no {SWEEP} in it.") from error
    except (OSError, ValueError, StructureError) as error:
        raise InputError(f"{folder / SWEEP}: the record of a sweep is damaged ({error}).") from error
