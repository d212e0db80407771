"""Which videos lie in a folder and below it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from iic_ptv.data.collections.entries import entries_of
from iic_ptv.data.decoding.frame_folder import frame_number
from iic_ptv.data.index import VIDEO_EXTENSIONS

RULES = 1  # number of the rules of what is a video; to be raised when they change, as scans are kept on disk
NAMED_AS_FRAME = re.compile(r"(frame|image|img)s?[-_ ]?\d", re.IGNORECASE)


class Stamp(NamedTuple):
    """When a folder was changed, in nanoseconds: both differ once anything was added, removed or renamed in it.

    Programs that copy folders set the first to that of the original, which may not differ; nothing sets the second.
    """

    modified: int
    changed: int


class ScannedFolder(NamedTuple):
    """A folder as a scan found it.

    Attributes:
        path: relative to the root, "" for the root itself.
        stamp: when it was changed, looked up before it was read.
        videos: names of the videos in it, files and folders of frames, sorted.
    """

    path: str
    stamp: Stamp
    videos: list[str]


def scan(root: Path) -> list[ScannedFolder]:
    """All folders that have to be looked into to find the videos.

    A video is a file with the extension of one, or a folder with numbered pictures. If these are named like
    ``frame000001.jpg``, it is one whatever else lies in it; otherwise only if no video file lies beside them, as they
    may be previews. What is hidden is left out, and links are followed.

    Raises:
        InputError: a folder cannot be read.
    """
    found: list[ScannedFolder] = []
    _visit(str(root), "", frozenset(), found)
    return found


def stamp_of(folder: os.stat_result) -> Stamp:
    """When the folder was changed."""
    return Stamp(folder.st_mtime_ns, folder.st_ctime_ns)


class _Contents(NamedTuple):
    status: os.stat_result
    is_video: bool
    videos: list[str]
    folders: list[str]


def _visit(root: str, path: str, above: frozenset[tuple[int, int]], found: list[ScannedFolder]) -> bool:
    """Note the folder and those below it; returns whether it is a video itself."""
    status, is_video, videos, folders = _look_into(os.path.join(root, path) if path else root, is_root=not path)
    identity = (status.st_dev, status.st_ino)
    if identity in above:  # a link back up
        return False
    above |= {identity}
    videos += [name for name in folders if _visit(root, os.path.join(path, name), above, found)]
    found.append(ScannedFolder(path, stamp_of(status), sorted(videos)))
    return is_video


def _look_into(folder: str, is_root: bool) -> _Contents:
    """What is directly in a folder; a folder of frames, which may be tens of thousands, is not read to the end."""
    videos, folders, pictures = [], [], False
    with entries_of(folder) as entries:
        status = os.stat(folder)
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                folders.append(entry.name)
            elif entry.name.lower().endswith(VIDEO_EXTENSIONS):
                videos += [entry.name] if entry.is_file() else []
            elif not is_root and frame_number(entry.name) is not None:
                if NAMED_AS_FRAME.match(entry.name):
                    return _Contents(status, True, [], [])
                pictures = True
    if pictures and not videos:
        return _Contents(status, True, [], [])
    return _Contents(status, False, videos, folders)
