"""Several files that are written all, or none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from iic_ptv.files.atomic import atomic_write


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write files, each whole, in their order; if one cannot be written, the others become again what they were.

    Args:
        contents: what to write, by path. Missing folders are made.

    Raises:
        OSError: a file cannot be written.
    """
    before: dict[Path, bytes | None] = {}
    try:
        for path, content in contents.items():
            before[path] = path.read_bytes() if path.exists() else None
            _write(path, content)
    except BaseException:
        for path, old in before.items():
            if old is None:
                path.unlink(missing_ok=True)
            else:
                _write(path, old)
        raise


def _write(path: Path, content: bytes) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
