"""Kinetics."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from iic_ptv.data.collections.entries import existing_folder
from iic_ptv.data.collections.finder import Listing, VideoFinder
from iic_ptv.data.collections.folders import class_folders
from iic_ptv.data.collections.listed import Missing, listed_index
from iic_ptv.data.collections.official import annotation_folders, check_choice, find_annotation, keyed_below
from iic_ptv.data.index import NO_LABEL, VideoIndex
from iic_ptv.data.list_files import PathLike, find_file, read_text
from iic_ptv.errors import InputError

SUBSETS = {"train": ("train",), "val": ("val", "validate", "validation"), "test": ("test",)}  # and other names of these
TIMES = "_000000_000000.mp4"
COLUMNS = ("youtube_id", "time_start", "time_end")


def kinetics(
    root: PathLike,
    *,
    annotations: PathLike | None = None,
    split: int = 1,
    subset: str = "train",
    missing: Missing = "error",
) -> VideoIndex:
    """Kinetics-400, -600 or -700 by an official list, or by its class folders.

    Videos are called ``<youtube_id>_<start>_<end>.mp4`` (six digits each) or ``<youtube_id>.mp4``, or are folders of
    frames of such a name. They lie in ``root``, in a folder of the subset (``root/train``, ``root/videos_train``), or
    in either in class folders, whose names may have underscores for spaces. Many have left the web:
    ``missing="skip"``.

    Args:
        root: folder of the videos.
        annotations: CSV file with the columns ``label,youtube_id,time_start,time_end,split``, or the folder of
            ``train.csv``, ``val.csv``, ...; from here or from ``root``. None: the class folders in the folder of the
            subset, or in ``root`` if there is none.
        split: 1; there is only one.
        subset: "train", "val" or "test".
        missing: "error", or "skip" to go on without listed videos that are not there, with a warning.

    Raises:
        InputError: a file or folder is missing, a line is malformed, or no line is of the subset.
    """
    check_choice("split", split, (1,))
    check_choice("subset", subset, SUBSETS)
    names = SUBSETS[subset]
    folder = existing_folder(root, "the videos of Kinetics")
    places = [place for name in names for place in (name, f"videos_{name}") if (folder / place).is_dir()]
    if annotations is None:
        part = folder / places[0] if places else folder
        return keyed_below(class_folders(part), part, folder)
    file = find_file(annotations, folder)
    if not file.is_file():
        file = find_annotation(annotation_folders(folder, annotations, ()), *(f"{name}.csv" for name in names))
    classes = read_list(file, names)
    class_names = sorted(set(classes.values()) - {""})
    number = {"": NO_LABEL, **{name: label for label, name in enumerate(class_names)}}
    labels = {listed: number[class_name] for listed, class_name in classes.items()}
    finder = VideoFinder(folder)
    listings = {name: _listings(finder, ["", *places], name) for name in number}

    def find(listed: str) -> str | None:
        class_name, name = os.path.split(listed)
        names = (name, f"{name[: -len(TIMES)]}.mp4")
        found = (listing.find(name) for name in names for listing in listings[class_name])
        return next(filter(None, found), None)

    return listed_index(folder, labels, class_names, find, missing)


def read_list(file: Path, subset: Sequence[str]) -> dict[str, str]:
    """Classes by ``class/<youtube_id>_<start>_<end>.mp4`` of the rows whose ``split``, if known, is among ``subset``.

    Raises:
        InputError: the file cannot be read, a row is malformed, or none is of the subset.
    """
    rows = csv.reader(read_text(file).splitlines())
    header = next(rows, [])
    if not set(COLUMNS) <= set(header):
        raise InputError(f"{file}:1: expected a header with {', '.join(COLUMNS)} and, if known, label and split.")
    classes: dict[str, str] = {}
    others = set()
    for row in filter(None, rows):
        cells = dict(zip(header, row, strict=False))
        part = cells.get("split") or subset[0]
        if part in subset:
            class_name = sys.intern(cells.get("label", ""))
            classes[os.path.join(class_name, _file_name(cells, f"{file}:{rows.line_num}"))] = class_name
        else:
            others.add(part)
    if not classes:
        raise InputError(f"'{file}' lists no videos of '{subset[0]}', but of {', '.join(sorted(others)) or 'nothing'}.")
    return classes


def _file_name(cells: dict[str, str], place: str) -> str:
    """What the usual tools call the part of a video: ``<youtube_id>_000010_000020.mp4`` for the second ten seconds."""
    youtube_id, *times = (cells.get(column, "") for column in COLUMNS)
    try:
        start, end = (int(float(time)) for time in times)
    except ValueError:
        youtube_id = ""
    if not youtube_id:
        raise InputError(
            f"{place}: expected a youtube_id and two times in seconds, found '{','.join(cells.values())}'."
        )
    return f"{youtube_id}_{start:06}_{end:06}.mp4"


def _listings(finder: VideoFinder, places: Sequence[str], class_name: str) -> list[Listing]:
    """The folders that videos of a class may lie in."""
    class_folders = ["", class_name, class_name.replace(" ", "_")] if class_name else [""]
    found = [finder.listing(f"{place}/{name}".strip("/")) for place in places for name in dict.fromkeys(class_folders)]
    return [listing for listing in found if listing]
