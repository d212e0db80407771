"""The unfinished work of an index, beside its file: what a run has done is not lost when it is killed."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from iic_ptv.distributed import rank, told_to_all
from iic_ptv.errors import InputError
from iic_ptv.files.atomic import atomic_write
from iic_ptv.search.clip_index import ClipIndex, IndexedVideo, Origin, read_index, write_index
from iic_ptv.shares import failing_together

SAVE_EVERY = 10.0  # seconds of work that a killed run loses at most
SHARD = ".shard"


class Journal:
    """The right to write an index, and the folder ``.NAME.partial`` beside it.

    Videos that were embedded are kept there in shards, which are small indices, until :meth:`commit` puts the whole
    index in the place of the old one in a single step. Whenever a run is killed, the file is the old index or the new
    one, and the next run finds the shards. It is entered with ``with``; a second run is refused meanwhile. Processes
    that work together enter it together: the first has the right, and all write shards.

    Args:
        path: the index.
        settings: its settings.
        origin: where its videos and its network are.
        save_every: seconds from shard to shard.

    Raises:
        InputError: when it is entered: another run is writing the index, or the folder cannot be written to.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], origin: Origin, save_every: float = SAVE_EVERY) -> None:
        self.path = path
        self.folder = journal_folder(path)
        self._settings = settings
        self._origin = origin
        self._save_every = save_every
        self._unsaved: list[IndexedVideo] = []
        self._written: list[str] = []
        self._lock: int | None = None

    def __enter__(self) -> Journal:
        with failing_together():
            if not rank():
                self._lock = self._locked()
        self._saved = time.monotonic()
        return self

    def _locked(self) -> int:
        try:
            return _lock(self.folder)
        except BlockingIOError as error:
            raise InputError(f"{self.path}: another process is writing this index; wait until it has ended.") from error
        except OSError as error:
            raise InputError(self._cannot_be_written(error)) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._save()
            if self._lock is not None and not shards_of(self.path):
                shutil.rmtree(self.folder, ignore_errors=True)
        finally:
            if self._lock is not None:
                os.close(self._lock)

    def add(self, video: IndexedVideo) -> None:
        """Keep what was found out about a video.

        Raises:
            InputError: it cannot be written.
        """
        self._unsaved.append(video)
        if time.monotonic() - self._saved >= self._save_every:
            self._save()

    @contextmanager
    def shared_work(self) -> Iterator[None]:
        """Wait at the end of the block for all processes; whatever ends it, what further ones have kept is in shards.

        Raises:
            InputError: in one of the processes; see :func:`~iic_ptv.shares.failing_together`.
        """
        with failing_together():
            try:
                yield
            finally:
                if rank():
                    self._save()

    def of_others(self) -> list[IndexedVideo]:
        """What the other processes have kept, for the first one; all ask for it, after their work.

        Raises:
            InputError: a shard cannot be read.
        """
        # By name: on a network drive, a folder may show only after a while what other machines have written there.
        _, *others = told_to_all(self._written)
        if rank():
            return []
        return [video for names in others for name in names for video in read_index(self.folder / name).videos()]

    def commit(self, index: ClipIndex) -> None:
        """Put the index in its place; the shards are not needed any more.

        Raises:
            InputError: it cannot be written.
        """
        whole = self.folder / "whole.index"
        try:
            write_index(whole, index)
            os.replace(whole, self.path)
        except OSError as error:
            raise InputError(self._cannot_be_written(error)) from error
        self._unsaved.clear()
        for shard in shards_of(self.path):
            shard.unlink(missing_ok=True)

    def _save(self) -> None:
        """Write the videos since the last shard as one."""
        self._saved = time.monotonic()
        if not self._unsaved:
            return
        number = max((_number_of(shard) for shard in shards_of(self.path)), default=0) + 1
        name = f"{number:09}-{secrets.token_hex(4)}{SHARD}"  # unlike that of any other process
        try:
            with atomic_write(self.folder / name) as temporary:
                write_index(temporary, ClipIndex.of(self._unsaved, self._settings, self._origin))
        except OSError as error:
            raise InputError(self._cannot_be_written(error)) from error
        self._written.append(name)
        self._unsaved.clear()

    def _cannot_be_written(self, error: OSError) -> str:
        reason = error.strerror or str(error)
        return f"{self.path}: the index cannot be written there ({reason}); name another place with -o."


def journal_folder(path: Path) -> Path:
    """Where the unfinished work of an index is."""
    return path.with_name(f".{path.name}.partial")


def shards_of(path: Path) -> list[Path]:
    """Files of the unfinished work of an index, the oldest first."""
    return sorted(journal_folder(path).glob(f"[0-9]*{SHARD}"))


def _number_of(shard: Path) -> int:
    return int(shard.stem.partition("-")[0])


def parts_of(path: Path) -> list[ClipIndex]:
    """All that is there of an index: its file, and the shards of a run that did not end; later ones know better.

    Raises:
        InputError: one of the files is no index, or damaged.
    """
    return [read_index(part) for part in [*([path] if path.exists() else []), *shards_of(path)]]


def _lock(folder: Path) -> int:
    """Lock a folder, which is made if need be, until the descriptor that is returned is closed.

    The lock is the process's own (``lockf``): its worker processes do not hold it, so it ends with the process.

    Raises:
        BlockingIOError: another process has locked it.
        OSError: it cannot be written to.
    """
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:  # the process before has just taken the folder away
            continue
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(lock).st_nlink:  # it is still the one that others would find
                return lock
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)
