"""HMDB51."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from iic_ptv.data.collections.finder import VideoFinder
from iic_ptv.data.collections.listed import Missing, listed_index
from iic_ptv.data.collections.official import annotation_folders, check_choice, keyed_below, not_found, unpacked_folder
from iic_ptv.data.index import VideoIndex
from iic_ptv.data.list_files import PathLike, read_lines
from iic_ptv.errors import InputError

SUBSETS = {"train": "1", "test": "2", "unused": "0"}


def hmdb51(
    root: PathLike,
    *,
    annotations: PathLike | None = None,
    split: int = 1,
    subset: str = "train",
    missing: Missing = "error",
) -> VideoIndex:
    """HMDB51 by its official lists, from the original files, transcoded ones or folders of frames.

    Args:
        root: folder of the class folders, or the one that ``hmdb51_org`` lies in.
        annotations: folder of ``brush_hair_test_split1.txt``, ..., whose lines read ``video.avi 1``. None: ``root``,
            the folder that it lies in, or a folder ``testTrainMulti_7030_splits`` or ``splits`` in either.
        split: 1, 2 or 3.
        subset: "train" (1 in the lists), "test" (2) or "unused" (0).
        missing: "error", or "skip" to go on without listed videos that are not there, with a warning.

    Raises:
        InputError: a file or folder is missing, a line is malformed, or there is no such split.
    """
    check_choice("split", split, (1, 2, 3))
    check_choice("subset", subset, SUBSETS)
    folder = unpacked_folder(root, "hmdb51_org")
    lists = _lists(annotation_folders(folder, annotations, ("testTrainMulti_7030_splits", "splits")), split)
    class_names = sorted(lists)
    labels = {
        f"{name}/{video}": label
        for label, name in enumerate(class_names)
        for video, mark in read_split(lists[name])
        if mark == SUBSETS[subset]
    }
    index = listed_index(folder, labels, class_names, VideoFinder(folder).find_or_in_root, missing)
    return keyed_below(index, folder, root)


def read_split(file: Path) -> list[tuple[str, str]]:
    """Names and marks ("0", "1" or "2") of the videos of a class.

    Raises:
        InputError: the file cannot be read, or a line is malformed.
    """
    videos = []
    for place, line in read_lines(file):
        name, _, mark = line.rpartition(" ")
        if not name or mark not in SUBSETS.values():
            raise InputError(f"{place}: expected 'video.avi' and 0, 1 or 2, found '{line}'.")
        videos.append((name.strip(), mark))
    return videos


def _lists(folders: Sequence[Path], split: int) -> dict[str, Path]:
    """The list of every class, from the first folder that has any."""
    ending = f"_test_split{split}.txt"
    for folder in folders:
        if lists := {file.name.removesuffix(ending): file for file in folder.glob(f"*{ending}")}:
            return lists
    raise not_found(f"CLASS{ending}", folders)
