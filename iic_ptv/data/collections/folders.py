"""Collections that are what lies in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from iic_ptv.data.collections.entries import existing_folder
from iic_ptv.data.collections.rows import sorted_index
from iic_ptv.data.collections.scan import ScannedFolder
from iic_ptv.data.collections.scan_cache import cached_scan
from iic_ptv.data.index import NO_LABEL, VIDEO_EXTENSIONS, VideoIndex
from iic_ptv.data.list_files import PathLike
from iic_ptv.errors import InputError

VIDEOS = f"video files ({', '.join(VIDEO_EXTENSIONS)}) or folders of frames (frame000001.jpg, ...)"


def class_folders(root: PathLike) -> VideoIndex:
    """A folder with one sub-folder of videos per class.

    Classes are the sub-folders that hold videos directly, in alphabetical order.

    Raises:
        InputError: there is no such folder, or no video in its sub-folders.
    """
    folder = existing_folder(root, "one sub-folder of videos per class")
    holders = _holders(folder)
    classes = [holder for holder in holders if _is_class(holder)]
    if not classes:
        here = sum(len(holder.videos) for holder in holders if not holder.path)
        hint = f" The {here} that lie in it directly can be read as a flat folder." if here else ""
        raise InputError(f"'{folder}': no {VIDEOS} in its sub-folders.{hint}")
    return _labelled(folder, classes)


def flat_folder(root: PathLike) -> VideoIndex:
    """All videos in a folder and below it, without labels.

    Raises:
        InputError: there is no such folder, or no video in it.
    """
    folder = existing_folder(root, "videos")
    return _unlabelled(folder, _holders(folder))


def any_folder(root: PathLike) -> VideoIndex:
    """A folder as class folders if each of its videos lies in a sub-folder, else as a flat one, without labels.

    Raises:
        InputError: there is no such folder, or no video in it.
    """
    folder = existing_folder(root, "videos")
    holders = _holders(folder)
    make = _labelled if holders and all(map(_is_class, holders)) else _unlabelled
    return make(folder, holders)


def _holders(folder: Path) -> list[ScannedFolder]:
    return [scanned for scanned in cached_scan(folder) if scanned.videos]


def _is_class(holder: ScannedFolder) -> bool:
    return bool(holder.path) and os.sep not in holder.path


def _labelled(folder: Path, classes: Sequence[ScannedFolder]) -> VideoIndex:
    class_names = sorted(holder.path for holder in classes)
    number = {name: label for label, name in enumerate(class_names)}
    labels = {path: number[holder.path] for holder in classes for path in _paths(folder, holder)}
    return sorted_index(folder, labels, class_names)


def _unlabelled(folder: Path, holders: Sequence[ScannedFolder]) -> VideoIndex:
    if not holders:
        raise InputError(f"'{folder}': no {VIDEOS} in it or its sub-folders.")
    return sorted_index(folder, {path: NO_LABEL for holder in holders for path in _paths(folder, holder)})


def _paths(folder: Path, holder: ScannedFolder) -> Iterable[str]:
    start = os.path.join(folder, holder.path, "")
    return (start + name for name in holder.videos)
