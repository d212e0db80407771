"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write to; it takes the place of ``path`` when the block ends without an error.

    Whoever reads ``path`` meanwhile, or after an interruption, finds the old file or the new one, never a part. The
    temporary file lies beside it, so that moving it is one step, is hidden, so that no scan takes it for data, and
    has the same extension, by which encoders choose a format. Missing folders are made.

    Example:
        >>> with atomic_write("results/manifest.csv") as temporary:  # doctest: +SKIP
        ...     temporary.write_text("path,size\\n")
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".tmp-{secrets.token_hex(8)}{target.suffix}")
    try:
        yield temporary
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
