"""The one error of a video that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import av.error

from iic_ptv.errors import InputError


class VideoError(InputError):
    """A video that cannot be read: missing, empty, truncated, damaged, or no video at all.

    Args:
        reason: what is wrong with it.
        path: the file.
    """

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason, path)
        self.reason = reason
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


@contextmanager
def as_video_error(path: str, *errors: type[Exception]) -> Iterator[None]:
    """Turn the errors of a decoder into :class:`VideoError`."""
    try:
        yield
    except VideoError:
        raise
    except errors as error:
        raise VideoError(_reason(error), path) from error


def _reason(error: Exception) -> str:
    if isinstance(error, av.error.InvalidDataError):
        return "it is damaged, cut off, or not a video"
    text = getattr(error, "strerror", None) or str(error)
    return re.sub(r"\[[\d:]+\] \S+:\d+: ", "", text).strip().splitlines()[0]  # decord prefixes time and source line
