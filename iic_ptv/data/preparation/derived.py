"""Folders that are made of a collection, video by video, and can be completed after an interruption."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from iic_ptv.data.preparation.manifest import Manifest, ManifestRow, read_manifest
from iic_ptv.data.preparation.rows import Job, make_rows
from iic_ptv.errors import InputError
from iic_ptv.files.atomic import atomic_write


@dataclasses.dataclass(frozen=True)
class DerivedFolder:
    """A folder that is made of a collection.

    Beside what is made lie ``NAME.json``, how it is made, and the manifest ``NAME.csv``, with a row for every video of
    the collection: size and time of the source, frames and format of what was made of it, or why nothing was.

    Attributes:
        source: the collection.
        path: the folder.
        name: what is made, the NAME above.
        settings: how it is made, a dataclass.
    """

    source: Path
    path: Path
    name: str
    settings: Any

    def claim(self) -> None:
        """Make sure that the folder is there, and holds nothing else than what is made like this.

        Raises:
            InputError: it holds something else, cannot be written, or lies within the collection.
        """
        source, path = self.source.resolve(), self.path.resolve()
        if source == path or source in path.parents or path in source.parents:
            raise InputError(
                f"'{self.path}' and '{self.source}' must lie apart: one would be read as part of the other."
            )
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"'{self.path}': expected a folder, this is a file. Name another folder.")
        record = self.path / f"{self.name}.json"
        if record.exists():
            self._compare(record)
        elif self.path.exists() and any(self.path.iterdir()):
            raise InputError(f"'{self.path}' is not empty and has no {record.name}. Name a new or empty folder.")
        else:
            self._write(record)

    def complete(
        self,
        jobs: Sequence[Job],
        make: Callable[[Job], ManifestRow],
        is_there: Callable[[Job], bool],
        num_workers: int | None,
        time_limit: float,
        title: str,
    ) -> tuple[list[ManifestRow], int]:
        """Make what is missing, or made of a file that has changed since.

        Args:
            jobs: the videos of the collection.
            make: makes what is to be made of a video, and its row.
            is_there: whether what is made of a video is there.
            num_workers: processes; None: one for each core.
            time_limit: seconds that a video may take; 0 for any.
            title: what is being done, for the progress bar.

        Returns:
            The rows of the jobs, and how many of them were there before.

        Raises:
            InputError: the folder cannot be written.
        """
        file = self.path / f"{self.name}.csv"
        manifest = read_manifest(file) if file.exists() else Manifest({})

        def is_done(job: Job) -> bool:
            row = manifest.rows.get(job.path)
            return row is not None and not row.error and row.is_of(job.source) and is_there(job)

        todo = [job for job in jobs if not is_done(job)]
        make_rows(make, todo, manifest, file, num_workers, time_limit, title)
        return [manifest.rows[job.path] for job in jobs], len(jobs) - len(todo)

    def _compare(self, record: Path) -> None:
        try:
            there = dict(json.loads(record.read_text()))
        except (OSError, ValueError) as error:
            raise InputError(f"'{record}' cannot be read ({error}). Name another folder.") from error
        wanted = dataclasses.asdict(self.settings)
        differences = [
            f"{key} {there.get(key)}, not {value}" for key, value in wanted.items() if there.get(key) != value
        ]
        if differences:
            raise InputError(
                f"'{self.path}' was made with other options ({'; '.join(differences)}). Use these, or another folder."
            )

    def _write(self, record: Path) -> None:
        try:
            with atomic_write(record) as temporary:
                temporary.write_text(json.dumps(dataclasses.asdict(self.settings), indent=2) + "\n")
        except OSError as error:
            raise InputError(f"'{self.path}' cannot be written to ({error.strerror}). Name another folder.") from error
