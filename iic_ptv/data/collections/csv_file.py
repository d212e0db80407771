"""Collections that are listed in a table: CSV, and the lists of PyTorchVideo and mmaction."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from iic_ptv.data.collections.entries import existing_folder
from iic_ptv.data.collections.finder import VideoFinder
from iic_ptv.data.collections.listed import Missing, listed_index
from iic_ptv.data.index import NO_LABEL, VIDEO_EXTENSIONS, VideoIndex
from iic_ptv.data.list_files import PathLike, find_file, read_lines
from iic_ptv.errors import InputError

PATH_COLUMNS = ("path", "file", "filename", "file_path", "video", "video_path", "clip_path")
LABEL_COLUMNS = ("label", "class", "action")
SEPARATORS = ("\t", ";", ",", " ")
NUMBERED = re.compile(r"(?P<path>.+?)(\s+\d+)?\s+(?P<label>-?\d+)")  # PATH LABEL, or PATH NUMBER_OF_FRAMES LABEL


def csv_file(root: PathLike, file: PathLike | None = None, missing: Missing = "error") -> VideoIndex:
    """A table of videos and, if known, their labels.

    Columns are ``path`` and ``label``, in this order unless a header names them or words of the same meaning; they are
    separated by commas, tabs, semicolons or spaces. Labels are numbers from 0 or names of classes; an empty label, or
    -1, means none. With spaces a line reads ``PATH LABEL``, as in PyTorchVideo's and mmaction's lists, or
    ``FOLDER NUMBER_OF_FRAMES LABEL``, as in mmaction's lists of folders of frames, and labels are numbers.

    Args:
        root: folder that relative paths start from; or the table itself, then they start from its folder.
        file: the table; a relative one is looked for from here and from ``root``.
        missing: "error", or "skip" to go on without listed videos that are not there, with a warning.

    Raises:
        InputError: a file is missing, or a line is malformed.
    """
    folder = existing_folder(Path(root).parent if file is None else root, "the videos of the table")
    table = Path(root) if file is None else find_file(file, folder)
    names = read_table(table)
    numbers, class_names = _number_classes(set(names.values()))
    labels = {path: numbers.get(name, NO_LABEL) for path, name in names.items()}
    return listed_index(folder, labels, class_names, VideoFinder(folder).find, missing)


def read_table(file: Path) -> dict[str, str]:
    """Labels by path, as they are written.

    Raises:
        InputError: the file cannot be read, names no videos, or a line is malformed.
    """
    lines = read_lines(file)
    separator = _separator(lines[0][1]) if lines else ","
    columns = ["path", "label"]
    if lines and _is_header(header := _cells(lines[0][1], separator)):
        columns = header
        lines = lines[1:]
    if not lines:
        raise InputError(f"'{file}' names no videos.")
    labels = {}
    for place, line in lines:
        cells = _cells(line, separator)
        path, label = (_cell(cells, columns, names) for names in (PATH_COLUMNS, LABEL_COLUMNS))
        if not path or len(cells) > len(columns):
            raise InputError(f"{place}: expected {','.join(columns)}, found '{line}'.")
        labels[path] = label
    return labels


def _cell(cells: Sequence[str], columns: Sequence[str], names: Sequence[str]) -> str:
    """The cell in the first column that has one of the names; empty if there is none."""
    return next((cell for name, cell in zip(columns, cells, strict=False) if name.lower() in names), "")


def _is_header(cells: Sequence[str]) -> bool:
    return any(cell.lower() in PATH_COLUMNS for cell in cells)


def _separator(line: str) -> str:
    """What separates the columns, by the first line: what leaves a video in its first cell, else what there is."""
    rows = {separator: _cells(line, separator) for separator in SEPARATORS}
    several = [separator for separator in SEPARATORS if len(rows[separator]) > 1]
    telling = [
        separator
        for separator in several
        if rows[separator][0].lower().endswith(VIDEO_EXTENSIONS) or _is_header(rows[separator])
    ]
    return (telling or several or [","])[0]


def _cells(line: str, separator: str) -> list[str]:
    if separator != " ":
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]
    numbered = NUMBERED.fullmatch(line)  # a path may have spaces itself
    if numbered:
        return [numbered["path"], numbered["label"]]
    return line.split() if _is_header(line.split()[:1]) else [line]


def _number_classes(names: set[str]) -> tuple[dict[str, int], Sequence[str]]:
    """Labels as numbers, and the names of the classes, of labels that are numbers or names."""
    given = sorted(names - {"", str(NO_LABEL)})
    if all(name.isdecimal() for name in given):
        given = [str(label) for label in range(max(map(int, given), default=-1) + 1)]
    return {name: number for number, name in enumerate(given)}, given
