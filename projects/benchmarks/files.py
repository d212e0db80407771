"""Sizes and ages of files."""

from __future__ import annotations

import os
import time
from pathlib import Path

OLD = 3600  # seconds


def disk_use(path: Path) -> int:
    """Bytes of a file, or of all files in a folder and below it."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def make_old(folder: Path) -> None:
    """Let a folder and those in it look as if they had not changed for a while, so that a scan of them is kept."""
    for path, _, _ in os.walk(folder):
        os.utime(path, (time.time() - OLD,) * 2)
