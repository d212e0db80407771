"""Manifests: what is known of the videos of a collection, a row of a CSV file for each."""

from __future__ import annotations

import csv
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from iic_ptv.data.cache import cache_folder
from iic_ptv.data.index import Video, VideoIndex, without_extension
from iic_ptv.data.list_files import PathLike
from iic_ptv.errors import InputError
from iic_ptv.files.atomic import atomic_write

SAVE_EVERY = 60.0  # seconds that a killed command loses at most


class ManifestRow(NamedTuple):
    """What is known of a video.

    Attributes:
        path: the file below the root of the collection, with "/" between folders, see :func:`path_below_root`.
        size: bytes; of a folder of frames, of all files in it.
        modified_ns: time of its last change in nanoseconds; of a folder of frames, of the folder itself.
        num_frames: number of frames; 0 for this and all that follows if it could not be told.
        frame_rate: mean frames per second; 0 if the file does not tell.
        height: pixels, as displayed.
        width: pixels, as displayed.
        codec: what it is compressed with, in FFmpeg's names.
        gop: greatest distance of frames from which decoding can start.
        error: why it is bad; empty if it is not.
        sha256: of the file, in hexadecimal; empty if it was not asked for.
        decoded: which frames were decoded to look for faults: none, ends or all.
    """

    path: str
    size: int
    modified_ns: int
    num_frames: int = 0
    frame_rate: float = 0.0
    height: int = 0
    width: int = 0
    codec: str = ""
    gop: int = 0
    error: str = ""
    sha256: str = ""
    decoded: str = "none"

    @classmethod
    def of_unread(cls, file: PathLike, path: str, error: str = "") -> ManifestRow:
        """What is known of a video, called ``path``, without reading it."""
        try:
            found = os.stat(file)
            if not stat.S_ISDIR(found.st_mode):
                return cls(path, found.st_size, found.st_mtime_ns, error=error)
            with os.scandir(file) as entries:
                return cls(path, sum(entry.stat().st_size for entry in entries), found.st_mtime_ns, error=error)
        except OSError as missing:
            return cls(path, 0, 0, error=error or str(missing.strerror))

    def is_of(self, file: PathLike) -> bool:
        """Whether the file still has the size and the time that it had when it was read for this row."""
        try:
            found = os.stat(file)
        except OSError:
            return False
        # The size of a folder of frames would take a look at each; its time tells of added and removed ones.
        return found.st_mtime_ns == self.modified_ns and (stat.S_ISDIR(found.st_mode) or found.st_size == self.size)


@dataclass(frozen=True)
class Manifest:
    """What is known of the videos of a collection.

    Attributes:
        rows: by the path of the video below the root of the collection.
    """

    rows: dict[str, ManifestRow]

    def bad(self, index: VideoIndex) -> dict[int, str]:
        """Reasons why videos cannot be read, by their row in ``index``.

        A file that has changed since it was found bad, or is gone, is not among them: it deserves a new look.
        """
        errors = {path: row for path, row in self.rows.items() if row.error}
        keys = {without_extension(path) for path in errors}
        suspects = ((number, index[number]) for number, key in enumerate(index.keys if keys else ()) if key in keys)
        found = ((number, video.path, errors.get(path_below_root(video))) for number, video in suspects)
        return {number: row.error for number, path, row in found if row is not None and row.is_of(path)}


def path_below_root(video: Video) -> str:
    """The path of a video below the root of its collection: its key, with the extension of its file.

    Example:
        >>> path_below_root(Video("/disk/run/a.mp4", "a.mp4", key="run/a"))
        'run/a.mp4'
    """
    path = video.path.replace(os.sep, "/")
    is_whole = path == video.key or path.endswith(f"/{video.key}")  # folders of frames
    return video.key if is_whole else video.key + os.path.splitext(path)[1]


def manifest_path(root: PathLike) -> Path:
    """Where ``iic check-data`` puts the manifest of the collection below ``root``, and later runs look for it."""
    folder = os.path.realpath(root)
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return cache_folder() / "manifests" / f"{os.path.basename(folder) or 'root'}-{digest}.csv"


def read_manifest(file: PathLike) -> Manifest:
    """Read a manifest.

    Raises:
        InputError: there is no such file, or a line is malformed.
    """
    name = os.fspath(file)
    try:
        with open(file, newline="", encoding="utf-8", errors="surrogateescape") as text:
            rows = {row.path: row for row in _rows(text, name)}
    except OSError as error:
        raise InputError(f"{name}: the manifest cannot be read ({error.strerror}).") from error
    return Manifest(rows)


def write_manifest(file: PathLike, manifest: Manifest) -> None:
    """Write a manifest, in the order of the paths, whole or not at all.

    Raises:
        InputError: it cannot be written.
    """
    try:
        # Names of files need not be proper text, and come back as they were.
        with (
            atomic_write(file) as temporary,
            open(temporary, "w", newline="", encoding="utf-8", errors="surrogateescape") as text,
        ):
            writer = csv.writer(text)
            writer.writerow(ManifestRow._fields)
            writer.writerows(sorted(manifest.rows.values()))
    except OSError as error:
        raise InputError(f"{os.fspath(file)}: the manifest cannot be written there ({error.strerror}).") from error


@contextmanager
def growing_manifest(file: PathLike, manifest: Manifest) -> Iterator[Callable[[ManifestRow], None]]:
    """Give a function that adds rows to a manifest; it is written now and then, and however the block ends.

    Raises:
        InputError: it cannot be written, which shows at once.
    """
    write_manifest(file, manifest)
    written = time.monotonic()

    def add(row: ManifestRow) -> None:
        nonlocal written
        manifest.rows[row.path] = row
        if time.monotonic() - written > SAVE_EVERY:
            write_manifest(file, manifest)
            written = time.monotonic()

    try:
        yield add
    finally:
        write_manifest(file, manifest)


def _rows(text: Iterable[str], name: str) -> Iterator[ManifestRow]:
    reader = csv.reader(text)
    try:
        header = next(reader, [])
        if tuple(header) != ManifestRow._fields:
            raise InputError(
                f"{name}, line 1: expected the columns {','.join(ManifestRow._fields)}, found '{','.join(header)}'. "
                "Is it a manifest? `iic check-data` writes them."
            )
        for path, size, modified, frames, rate, height, width, codec, gop, error, sha256, decoded in reader:
            yield ManifestRow(
                path, int(size), int(modified), int(frames), float(rate), int(height), int(width), codec, int(gop),
                error, sha256, decoded,
            )  # fmt: skip
    except InputError:
        raise
    except (csv.Error, ValueError) as error:
        raise InputError(
            f"{name}, line {reader.line_num}: this is not a row of a manifest ({error}). Delete the file: the "
            "command that wrote it makes it anew."
        ) from error
