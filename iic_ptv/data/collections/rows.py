"""From paths to rows of the memory banks."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from iic_ptv.data.index import VideoIndex, without_extension


def sorted_index(root: Path, labels: Mapping[str, int], class_names: Sequence[str] = ()) -> VideoIndex:
    """The index of videos in the order of their keys, compared folder by folder.

    Extensions only decide between videos of the same key: a collection that was transcoded keeps its rows.

    Args:
        root: the collection's folder, which keys are relative to.
        labels: labels by absolute path.
        class_names: names of the classes in the order of their labels.

    Raises:
        InputError: there are no videos.
    """

    @functools.cache
    def folder_from_root(folder: str) -> str:
        relative = os.path.relpath(folder, root)
        return "" if relative == os.curdir else relative.replace(os.sep, "/") + "/"

    def from_root(path: str) -> str:
        folder, _, name = path.rpartition(os.sep)
        return folder_from_root(folder or os.sep) + name

    def order(path: str) -> tuple[str, str]:
        # "\0" comes before all that names are made of, so that "a/x" comes before "a-b/x", as folder "a" before "a-b".
        below = from_root(path)
        return without_extension(below).replace("/", "\0"), below

    paths = sorted(labels, key=order)
    return VideoIndex.from_columns(
        paths,
        map(os.path.basename, paths),
        (without_extension(from_root(path)) for path in paths),
        (labels[path] for path in paths),
        class_names,
    )
