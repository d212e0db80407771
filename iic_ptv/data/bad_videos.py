"""A record of the videos that could not be read, kept by all processes of a run together."""

from __future__ import annotations

import csv
import io
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from iic_ptv.errors import InputError

logger = logging.getLogger(__name__)

HEADER = ("path", "reason")
NAMED = 3  # videos that the summary names
MAX_SHARE = 0.05


class BadVideoLog:
    """Videos that could not be read, each with the reason.

    Worker processes have memories of their own: with a file, all of them write to it, and :meth:`read` finds what any
    of them met, in this run or one that it resumes. Without, a process knows only its own.

    Args:
        path: CSV file with the columns ``path`` and ``reason``; it comes into being with the first bad video.
        num_videos: how many videos there are; None: nobody counts.
        max_share: share of them that may be bad before :meth:`check_share` objects.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        num_videos: int | None = None,
        max_share: float = MAX_SHARE,
    ) -> None:
        self.path = None if path is None else Path(path)
        self.num_videos = num_videos
        self.max_share = max_share
        self._met: dict[str, str] = {}
        self._counted = (0, 0)  # size of the file, and how many it named then

    def record(self, path: str, reason: str) -> None:
        """Note a bad video, and say so; one that was noted before, here or in another process, is not named again."""
        if path in self._met:
            return
        if path in self.read():
            self._met[path] = reason
            return
        logger.warning("A video could not be read and is left out: %s: %s", path, reason)
        self.add({path: reason})

    def add(self, reasons: Mapping[str, str]) -> None:
        """Note bad videos, reasons by path, without a word."""
        self._met.update(reasons)
        if self.path is not None and reasons:
            _append(self.path, list(reasons.items()))

    def read(self) -> dict[str, str]:
        """Reasons by path, in the order in which the videos were met."""
        if self.path is None or not self.path.exists():
            return dict(self._met)
        reasons: dict[str, str] = {}
        with self.path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            for path, reason in csv.reader(file):
                if (path, reason) != HEADER:
                    reasons.setdefault(path, reason)
        return reasons

    def check_share(self) -> None:
        """Stop a run whose collection is more broken than it may be; costs next to nothing if nothing was added.

        Raises:
            InputError: more than ``max_share`` of the videos could not be read.
        """
        bad = self._count()
        if self.num_videos is not None and bad > self.max_share * self.num_videos:
            raise InputError(
                f"{self.summary()}. That is {bad / self.num_videos:.0%} of them; DATA.MAX_BAD_SHARE allows "
                f"{self.max_share:.0%}. `iic check-data FOLDER` tells what is wrong; allow a greater share to go on."
            )

    def _count(self) -> int:
        if self.path is None:
            return len(self._met)
        size = self.path.stat().st_size if self.path.exists() else 0
        if size != self._counted[0]:
            self._counted = size, len(self.read())
        return self._counted[1]

    def summary(self) -> str:
        """One sentence for the user, e.g. ``3 of 480 videos could not be read (see bad_videos.csv): a.mp4, ...``."""
        bad = [os.path.basename(path) for path in self.read()]
        if not bad:
            return "All videos that were asked for could be read."
        total = "" if self.num_videos is None else f" of {self.num_videos}"
        where = f" (see {self.path})" if self.path else ""
        more = ", ..." if len(bad) > NAMED else ""
        return f"{len(bad)}{total} videos could not be read{where}: {', '.join(bad[:NAMED])}{more}"


def _append(file: Path, rows: list[tuple[str, str]]) -> None:
    """Add rows in a single write, so that those of several processes do not mix."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        text = io.StringIO()
        # Two processes may both find the file new; `read` takes a second header for what it is.
        csv.writer(text).writerows(rows if os.fstat(descriptor).st_size else [HEADER, *rows])
        os.write(descriptor, text.getvalue().encode(errors="surrogateescape"))  # names need not be proper text
    finally:
        os.close(descriptor)
