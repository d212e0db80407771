"""Finding and reading lists of videos, whatever is in them. Nothing here looks at the videos."""

from __future__ import annotations

import os
from pathlib import Path

from iic_ptv.errors import InputError

PathLike = str | os.PathLike[str]


def find_file(file: PathLike, folder: Path) -> Path:
    """The file as it is named from here, or else from the folder."""
    return Path(file) if Path(file).is_file() else folder / file


def read_text(file: Path) -> str:
    """The text of a list.

    Raises:
        InputError: the file cannot be read, or is no text.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"The list '{file}' cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"'{file}' is not a text file with a list of videos.") from error


def read_lines(file: Path) -> list[tuple[str, str]]:
    """The lines of a list that are not blank, each with its place for messages.

    Raises:
        InputError: the file cannot be read, or is no text.
    """
    lines = read_text(file).split("\n")
    return [(f"{file}:{row}", line.strip()) for row, line in enumerate(lines, 1) if line.strip()]
