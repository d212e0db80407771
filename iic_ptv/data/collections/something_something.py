"""Something-Something."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iic_ptv.data.collections.finder import VideoFinder
from iic_ptv.data.collections.listed import Missing, listed_index
from iic_ptv.data.collections.official import (
    annotation_folders,
    check_choice,
    find_annotation,
    keyed_below,
    unpacked_folder,
)
from iic_ptv.data.index import NO_LABEL, VideoIndex
from iic_ptv.data.list_files import PathLike, read_text
from iic_ptv.errors import InputError

SUBSETS = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}  # as the files name them


def something_something(
    root: PathLike,
    *,
    annotations: PathLike | None = None,
    split: int = 1,
    subset: str = "train",
    missing: Missing = "error",
) -> VideoIndex:
    """Something-Something v2 by its official lists, from the original files, transcoded ones or folders of frames.

    Args:
        root: folder of ``78687.webm``, ..., or the one that ``20bn-something-something-v2`` lies in.
        annotations: folder of ``something-something-v2-train.json``, ``something-something-v2-labels.json``, ..., or of
            ``train.json``, ``labels.json``, ... None: ``root``, the folder that it lies in, or a folder ``labels`` or
            ``annotations`` in either.
        split: 1; there is only one.
        subset: "train", "val" or "test", whose videos have no labels.
        missing: "error", or "skip" to go on without listed videos that are not there, with a warning.

    Raises:
        InputError: a file or folder is missing, or an entry is malformed.
    """
    check_choice("split", split, (1,))
    check_choice("subset", subset, SUBSETS)
    folder = unpacked_folder(root, "20bn-something-something-v2")
    folders = annotation_folders(folder, annotations, ("labels", "annotations"))
    entries = find_annotation(folders, *_names(SUBSETS[subset]))
    class_names = read_class_names(find_annotation([entries.parent], *_names("labels")))
    labels = read_entries(entries, class_names)
    index = listed_index(folder, labels, class_names, VideoFinder(folder).find, missing)
    return keyed_below(index, folder, root)


def read_class_names(file: Path) -> list[str]:
    """The classes of a ``labels.json``: ``{"Approaching something with your camera": "0", ...}``.

    Raises:
        InputError: the file cannot be read, or does not number classes from 0.
    """
    numbers = _read_json(file)
    try:
        names = sorted(numbers, key=lambda name: int(numbers[name]))
        counted = [int(numbers[name]) for name in names] == list(range(len(names)))
    except (TypeError, ValueError):
        counted = False
    if not counted:
        raise InputError(f'\'{file}\': expected classes that are numbered from 0: {{"Holding something": "0", ...}}.')
    return names


def read_entries(file: Path, class_names: list[str]) -> dict[str, int]:
    """Labels by file name of a list: ``[{"id": "78687", "template": "Holding [something]", ...}, ...]``.

    The files need not have the extension ``.webm`` of the official ones. Without a template, there is no label.

    Raises:
        InputError: the file cannot be read, or an entry is malformed or of an unknown class.
    """
    numbers = {name: label for label, name in enumerate(class_names)}
    entries = _read_json(file)
    if not isinstance(entries, list) or not entries:
        raise InputError(f'\'{file}\': expected a list of videos: [{{"id": ..., "template": ...}}, ...].')
    return dict(_parse(entry, numbers, f"{file}, entry {number}") for number, entry in enumerate(entries, 1))


def _parse(entry: Any, numbers: Mapping[str, int], place: str) -> tuple[str, int]:
    if not isinstance(entry, dict) or "id" not in entry:
        raise InputError(f'{place}: expected {{"id": ..., "template": ...}}, found {json.dumps(entry)}.')
    name = f"{entry['id']}.webm"
    if not entry.get("template"):
        return name, NO_LABEL
    class_name = str(entry["template"]).replace("[", "").replace("]", "")
    if class_name not in numbers:
        raise InputError(
            f"{place}: '{class_name}' is none of the {len(numbers)} classes in the file of labels beside it."
        )
    return name, numbers[class_name]


def _names(part: str) -> tuple[str, str]:
    """What the two releases of the lists call a part of them."""
    return f"something-something-v2-{part}.json", f"{part}.json"


def _read_json(file: Path) -> Any:
    try:
        return json.loads(read_text(file))
    except json.JSONDecodeError as error:
        raise InputError(f"{file}:{error.lineno}: this is not JSON: {error.msg}.") from error
