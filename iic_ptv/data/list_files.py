"""Reading lists of videos: UCF101's text files and CSV tables. Nothing here looks at the videos."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from iic_ptv.errors import InputError

NO_LABEL = -1

PathLike = str | os.PathLike[str]


def find_file(file: PathLike, folder: Path) -> Path:
    """The file as it is named from here, or else from the folder."""
    return Path(file) if Path(file).is_file() else folder / file


def read_class_index(file: Path) -> list[str]:
    """The classes of a ``classInd.txt``, whose lines read ``1 Class``.

    Raises:
        InputError: the file cannot be read, or a line is not the next number and a name.
    """
    names: list[str] = []
    for place, line in _lines(file):
        number, _, name = line.partition(" ")
        if number != str(len(names) + 1) or not name:
            raise InputError(f"{place}: expected '{len(names) + 1} NameOfTheClass', found '{line}'.")
        names.append(name.strip())
    return names


def read_ucf101_list(file: Path, class_names: list[str]) -> list[tuple[str, int]]:
    """Relative paths and labels of a list in UCF101's format.

    Raises:
        InputError: the file cannot be read, or a line is malformed or of an unknown class.
    """
    return [_parse_listed(line, class_names, place) for place, line in _lines(file)]


def read_table(file: Path) -> tuple[dict[str, int], list[str]]:
    """Labels by path, and the names of the classes, of a CSV file.

    Columns are ``path`` and ``label``, in this order unless a header names them.

    Raises:
        InputError: the file cannot be read, names no videos, or a line is malformed.
    """
    rows = [(place, [cell.strip() for cell in next(csv.reader([line]))]) for place, line in _lines(file)]
    columns = ["path", "label"]
    if rows and "path" in (header := [cell.lower() for cell in rows[0][1]]):
        columns = header
        rows = rows[1:]
    if not rows:
        raise InputError(f"'{file}' names no videos.")
    names = {}
    for place, row in rows:
        cells = dict(zip(columns, row, strict=False))
        if not cells.get("path") or len(row) > len(columns):
            raise InputError(f"{place}: expected {','.join(columns)}, found '{','.join(row)}'.")
        names[cells["path"]] = cells.get("label", "")
    labels, class_names = _number_labels(list(names.values()))
    return dict(zip(names, labels, strict=True)), class_names


def _parse_listed(line: str, class_names: list[str], place: str) -> tuple[str, int]:
    path, _, number = line.rpartition(" ")
    if not (path and number.isdecimal()):
        path, number = line, ""
    class_name = Path(path).parent.name
    if number and 1 <= int(number) <= len(class_names):
        return path.strip(), int(number) - 1
    if not number and class_name in class_names:
        return path, class_names.index(class_name)
    raise InputError(
        f"{place}: expected 'Class/video.avi' or 'Class/video.avi NUMBER' with one of {len(class_names)} classes "
        f"({', '.join(class_names[:3])}, ...), found '{line}'."
    )


def _number_labels(names: list[str]) -> tuple[list[int], list[str]]:
    """Labels as numbers, and the names of the classes, of labels that are numbers or names."""
    given = sorted(set(names) - {"", str(NO_LABEL)})
    if all(name.isdecimal() for name in given):
        given = [str(label) for label in range(max(map(int, given), default=-1) + 1)]
    numbers = {name: number for number, name in enumerate(given)}
    return [numbers.get(name, NO_LABEL) for name in names], given


def _lines(file: Path) -> list[tuple[str, str]]:
    """The lines of a text file that are not blank, each with its place for messages."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"The list '{file}' cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"'{file}' is not a text file with a list of videos.") from error
    return [(f"{file}:{row}", line.strip()) for row, line in enumerate(text.splitlines(), 1) if line.strip()]
