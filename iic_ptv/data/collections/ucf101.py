"""UCF101, and other collections with lists in its format."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from iic_ptv.data.collections.entries import entries_of, existing_folder
from iic_ptv.data.collections.finder import VideoFinder
from iic_ptv.data.collections.listed import Missing, listed_index
from iic_ptv.data.collections.official import (
    annotation_folders,
    check_choice,
    find_annotation,
    keyed_below,
    unpacked_folder,
)
from iic_ptv.data.index import VideoIndex
from iic_ptv.data.list_files import PathLike, find_file, read_lines
from iic_ptv.errors import InputError

CLASS_INDEX = "classInd.txt"


def ucf101(
    root: PathLike,
    *,
    annotations: PathLike | None = None,
    split: int = 1,
    subset: str = "train",
    missing: Missing = "error",
) -> VideoIndex:
    """UCF101 by its official lists, from the original files, transcoded ones or folders of frames.

    Videos may lie in class folders (``HandstandPushups/v_HandStandPushups_g01_c01.avi``) or all in one folder. The
    releases spell that class in two ways: where case differs, names are matched without regard to it.

    Args:
        root: folder of the videos, or the one that ``UCF-101`` lies in.
        annotations: folder of ``trainlist01.txt``, ``testlist01.txt``, ..., ``classInd.txt``. None: ``root``, the
            folder that it lies in, or a folder ``ucfTrainTestlist`` or ``splits`` in either.
        split: 1, 2 or 3.
        subset: "train" or "test".
        missing: "error", or "skip" to go on without listed videos that are not there, with a warning.

    Raises:
        InputError: a file or folder is missing, a line is malformed, or there is no such split.
    """
    check_choice("split", split, (1, 2, 3))
    check_choice("subset", subset, ("train", "test"))
    folder = unpacked_folder(root, "UCF-101")
    lists = annotation_folders(folder, annotations, ("ucfTrainTestlist", "splits"))
    listing, classes = find_annotation(lists, f"{subset}list{split:02}.txt"), find_annotation(lists, CLASS_INDEX)
    return keyed_below(ucf101_lists(folder, listing, classes, missing), folder, root)


def ucf101_lists(
    root: PathLike,
    lists: PathLike | Sequence[PathLike],
    class_index: PathLike | None = None,
    missing: Missing = "error",
) -> VideoIndex:
    """A split in UCF101's format.

    Lines of a list read ``Class/v_Class_g01_c01.avi 1`` (as in ``trainlist01.txt``) or have no number (as in
    ``testlist01.txt``); then the folder names the class. A video that is there under another extension, in another
    case, as a folder of frames, or outside of its class folder is taken.

    Args:
        root: folder that holds the class folders.
        lists: list file or files; a relative one is looked for from here and from ``root``.
        class_index: file with lines ``1 Class``. None: ``classInd.txt`` beside the first list; if there is none,
            the classes are the sub-folders of ``root``, in alphabetical order.
        missing: "error", or "skip" to go on without listed videos that are not there, with a warning.

    Raises:
        InputError: a file or folder is missing, a line is malformed, or a class is unknown.
    """
    folder = existing_folder(root, "the class folders of the lists")
    files = [lists] if isinstance(lists, (str, os.PathLike)) else list(lists)
    if not files:
        raise InputError("lists: name at least one list of videos.")
    list_files = [find_file(file, folder) for file in files]
    beside = list_files[0].with_name(CLASS_INDEX)
    if class_index is None and not beside.is_file():
        with entries_of(str(folder)) as entries:
            class_names = sorted(entry.name for entry in entries if entry.is_dir())
    else:
        class_names = read_class_index(beside if class_index is None else find_file(class_index, folder))
    labels = {path: label for file in list_files for path, label in read_list(file, class_names)}
    return listed_index(folder, labels, class_names, VideoFinder(folder).find_or_in_root, missing)


def read_class_index(file: Path) -> list[str]:
    """The classes of a ``classInd.txt``, whose lines read ``1 Class``.

    Raises:
        InputError: the file cannot be read, or a line is not the next number and a name.
    """
    names: list[str] = []
    for place, line in read_lines(file):
        number, _, name = line.partition(" ")
        if number != str(len(names) + 1) or not name:
            raise InputError(f"{place}: expected '{len(names) + 1} NameOfTheClass', found '{line}'.")
        names.append(name.strip())
    return names


def read_list(file: Path, class_names: Sequence[str]) -> list[tuple[str, int]]:
    """Relative paths and labels of a list.

    Raises:
        InputError: the file cannot be read, or a line is malformed or of an unknown class.
    """
    numbers = {name.casefold(): label for label, name in enumerate(class_names)}
    videos = []
    for place, line in read_lines(file):
        path, number = _split_number(line)
        label = numbers.get(_class_of(path), -1) if number is None else number - 1
        if not 0 <= label < len(class_names):
            raise InputError(
                f"{place}: expected 'Class/video.avi' or 'Class/video.avi NUMBER' with one of {len(class_names)} "
                f"classes ({', '.join(class_names[:3])}, ...), found '{line}'."
            )
        videos.append((path, label))
    return videos


def _split_number(line: str) -> tuple[str, int | None]:
    path, _, number = line.rpartition(" ")
    return (path.strip(), int(number)) if path and number.isdecimal() else (line, None)


def _class_of(path: str) -> str:
    return os.path.basename(os.path.dirname(path)).casefold()
