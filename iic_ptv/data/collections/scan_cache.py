"""Scans that are kept on disk, valid until a folder changes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from pathlib import Path

from iic_ptv.data.cache import cache_folder
from iic_ptv.data.collections.scan import RULES, ScannedFolder, Stamp, scan, stamp_of
from iic_ptv.files.atomic import atomic_write

# A folder that changed so shortly before it was read may change again within the same tick of the file system's clock,
# which is two seconds for the coarsest; its times would not tell.
TOO_YOUNG = 2_000_000_000  # nanoseconds


def cached_scan(root: Path) -> list[ScannedFolder]:
    """As :func:`~iic_ptv.data.collections.scan.scan`, but without reading folders that are as they were.

    The scan is kept in the cache folder. It holds as long as the times of all of its folders do, each of which is
    looked up, but not those of their files. A scan that cannot be kept or read costs time and nothing else.

    Raises:
        InputError: a folder cannot be read.
    """
    file = scan_file(root)
    kept = _read(file)
    if kept and _holds(root, kept):
        return kept
    started = time.time_ns()
    folders = scan(root)
    if all(folder.stamp.modified < started - TOO_YOUNG for folder in folders):
        with contextlib.suppress(OSError), atomic_write(file) as temporary:
            temporary.write_text(json.dumps(folders))
    return folders


def scan_file(root: Path) -> Path:
    """Where the scan of a folder is kept."""
    real = os.path.realpath(root)
    digest = hashlib.blake2b(os.fsencode(f"{RULES} {real}"), digest_size=8).hexdigest()
    return cache_folder() / "index" / f"{os.path.basename(real)}-{digest}.json"


def _read(file: Path) -> list[ScannedFolder]:
    """The scan in a file; empty if there is none, or it is damaged."""
    try:
        return [ScannedFolder(path, Stamp(*stamp), videos) for path, stamp, videos in json.loads(file.read_bytes())]
    except (OSError, ValueError, TypeError):
        return []


def _holds(root: Path, folders: list[ScannedFolder]) -> bool:
    try:
        return all(stamp_of(os.stat(os.path.join(root, folder.path))) == folder.stamp for folder in folders)
    except (OSError, TypeError):
        return False
