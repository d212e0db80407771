"""What the official data sets share: where their videos and lists usually lie, and options that choose among parts."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from iic_ptv.data.collections.entries import existing_folder
from iic_ptv.data.index import VideoIndex
from iic_ptv.data.list_files import PathLike
from iic_ptv.errors import InputError


def check_choice(option: str, value: Any, choices: Collection[Any]) -> None:
    """Raise an InputError unless the value of an option is one of the choices."""
    if value not in choices:
        raise InputError(f"{option}: expected {' or '.join(map(str, choices))}, got '{value}'.")


def unpacked_folder(root: PathLike, archive: str) -> Path:
    """The folder of the videos: ``root``, or the one in it that unpacking the official archive makes.

    Raises:
        InputError: there is no folder ``root``.
    """
    folder = existing_folder(root, "the videos of the lists")
    return folder / archive if (folder / archive).is_dir() else folder


def keyed_below(index: VideoIndex, folder: Path, root: PathLike) -> VideoIndex:
    """The index of the videos of ``folder`` with keys from ``root``, which it is or lies in.

    So a video has one key, whether the collection is read by official lists, or checked, prepared and searched for flow
    as a folder like any other.
    """
    prefix = os.path.relpath(folder, Path(root).absolute()).replace(os.sep, "/")
    if prefix == os.curdir:
        return index
    keys = (f"{prefix}/{key}" for key in index.keys)
    names = map(os.path.basename, index.paths)
    return VideoIndex.from_columns(index.paths, names, keys, index.labels.tolist(), index.class_names)


def annotation_folders(root: Path, annotations: PathLike | None, usual: Sequence[str]) -> list[Path]:
    """The folders to look for official lists in.

    Args:
        root: folder of the videos.
        annotations: folder of the lists, from here or from ``root``. None: the usual ones that there are, which are
            ``root``, the one that it lies in, and those called ``usual`` in either.

    Raises:
        InputError: there is no folder ``annotations``.
    """
    if annotations is None:
        folders = [place / name for name in ("", *usual) for place in (root, root.parent)]
        return [folder for folder in folders if folder.is_dir()]
    return [existing_folder(annotations if Path(annotations).is_dir() else root / annotations, "the official lists")]


def find_annotation(folders: Sequence[Path], *names: str) -> Path:
    """The first file that has one of the names and lies in one of the folders.

    Raises:
        InputError: there is none.
    """
    for file in (folder / name for folder in folders for name in names):
        if file.is_file():
            return file
    raise not_found(" or ".join(names), folders)


def not_found(what: str, folders: Sequence[Path]) -> InputError:
    """The error of official lists that are in none of the folders."""
    looked = ", ".join(f"'{folder}'" for folder in folders)
    return InputError(
        f"There is no {what} in {looked}. Name the folder of the official lists: DATA.ANNOTATIONS FOLDER."
    )
