"""Collections made of empty files: listing them must not read them."""

from __future__ import annotations

import os
from pathlib import Path


def touch(root: Path, *names: str) -> Path:
    """Make empty files, and the folders that they lie in; returns ``root``."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def age(root: Path) -> None:
    """Let all folders look as if they had last been changed in 2001."""
    for folder, _, _ in os.walk(root):
        os.utime(folder, (10**9, 10**9))


def rows(index) -> list[tuple[str, int]]:
    """Key and label of every video."""
    return [(video.key, video.label) for video in index]
