"""A record of the videos that could not be read, kept by all processes of a run together."""

from __future__ import annotations

import csv
import io
import logging
import os
from pathlib import Path

logger = logging.getLogger(__name__)

HEADER = ("path", "reason")
NAMED = 3  # videos that the summary names


class BadVideoLog:
    """Videos that could not be read, each with the reason.

    Worker processes have memories of their own: with a file, all of them write to it, and :meth:`read` finds what any
    of them met, in this run or one that it resumes. Without, a process knows only its own.

    Args:
        path: CSV file with the columns ``path`` and ``reason``; it comes into being with the first bad video.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = None if path is None else Path(path)
        self._met: dict[str, str] = {}

    def record(self, path: str, reason: str) -> None:
        """Note a bad video; one that this process noted before is not written again."""
        if path in self._met:
            return
        self._met[path] = reason
        logger.warning("A video could not be read and is left out: %s: %s", path, reason)
        if self.path is not None:
            _append(self.path, path, reason)

    def read(self) -> dict[str, str]:
        """Reasons by path, in the order in which the videos were met."""
        if self.path is None or not self.path.exists():
            return dict(self._met)
        reasons: dict[str, str] = {}
        with self.path.open(newline="") as file:
            for path, reason in csv.reader(file):
                if (path, reason) != HEADER:
                    reasons.setdefault(path, reason)
        return reasons

    def summary(self, total: int) -> str:
        """One sentence for the user, e.g. ``3 of 480 videos could not be read (see bad_videos.csv): a.mp4, ...``."""
        bad = [os.path.basename(path) for path in self.read()]
        if not bad:
            return f"All of the {total} videos that were asked for could be read."
        where = f" (see {self.path})" if self.path else ""
        more = ", ..." if len(bad) > NAMED else ""
        return f"{len(bad)} of {total} videos could not be read{where}: {', '.join(bad[:NAMED])}{more}"


def _append(file: Path, *row: str) -> None:
    """Add a row in a single write, so that the rows of several processes do not mix."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        text = io.StringIO()
        # Two processes may both find the file new; `read` takes a second header for what it is.
        csv.writer(text, lineterminator="\n").writerows([row] if os.fstat(descriptor).st_size else [HEADER, row])
        os.write(descriptor, text.getvalue().encode())
    finally:
        os.close(descriptor)
