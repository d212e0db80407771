"""What the folder of a sweep tells of it, for those that collect its results."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iic_ptv.errors import InputError
from iic_ptv.files.structured import StructureError, from_json, to_json
from iic_ptv.launch.sweep.file import SweepFile
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
        shown: which of its figures are columns, likewise.
        untrained: the members that are not trained.
        reported: what others report of a member, by its name and by the key of the measure that it stands beside.
        home: the folder beside this one that the members are in; by default this one.
        given: what the command line said beside the file.
    """

    file: str
    text: str
    members: dict[str, Any]
    evaluations: dict[str, Any]
    shown: dict[str, Any] = field(default_factory=dict)
    untrained: tuple[str, ...] = ()
    reported: dict[str, Any] = field(default_factory=dict)
    home: str = ""
    given: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """What goes on with the sweep."""
        return shlex.join(["iic", "sweep", self.file, *self.given])


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
    rows = {name: file.row(varying) for name, varying in file.members.items()}
    record = SweepRecord(
        str(path),
        file.text,
        dict(file.members),
        {each.name: each.command for each in file.evaluations},
        {each.name: list(each.shown) for each in file.evaluations},
        tuple(name for name, row in rows.items() if not row.is_trained),
        {name: dict(row.reported) for name, row in rows.items() if row.reported},
        file.folder or "",
        file.given,
    )
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
