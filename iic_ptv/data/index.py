"""A collection of videos: which files there are, and which row of the memory banks belongs to each.

Where collections come from is in :mod:`iic_ptv.data.collections`.
"""

from __future__ import annotations

import copy
import os
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, overload

import torch
from torch import Tensor

from iic_ptv.data.packed_strings import PackedStrings
from iic_ptv.errors import InputError

NO_LABEL = -1
VIDEO_EXTENSIONS = (
    ".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv",
)  # fmt: skip


@dataclass(frozen=True)
class Video:
    """One video: a file, or a folder with a picture for every frame.

    Attributes:
        path: where it is.
        name: what it is called in samples and reports, the name of the file or folder.
        label: its class, -1 for none.
        key: which video it is, wherever the collection lies, however it is encoded and whatever else belongs to it:
            the path relative to the collection's root, with "/" between folders and without a video's extension. By
            default the name without extension.
    """

    path: str
    name: str
    label: int = NO_LABEL
    key: str = ""

    def __post_init__(self) -> None:
        if not self.key:
            object.__setattr__(self, "key", without_extension(self.name))


def without_extension(name: str) -> str:
    """The name of a video without ``.mp4`` and the like; a folder of frames may have other dots in its name."""
    stem, _, extension = name.rpartition(".")
    return stem if stem and f".{extension.lower()}" in VIDEO_EXTENSIONS else name


class VideoIndex(Sequence[Video]):
    """A collection of videos; a video's place in it is its row in the memory banks.

    It is kept in columns: 250,000 videos take some 40 MB, once for all worker processes. A :class:`Video` is made when
    it is asked for.

    Args:
        videos: the videos, in the order of the rows.
        class_names: names of the classes in the order of their labels, if known.

    Raises:
        InputError: there are no videos.
    """

    def __init__(self, videos: Iterable[Video], class_names: Sequence[str] = ()) -> None:
        paths, names, keys, labels = PackedStrings(), PackedStrings(), PackedStrings(), array("q")
        for video in videos:
            paths.append(video.path)
            names.append(video.name)
            keys.append(video.key)
            labels.append(video.label)
        self._set_columns(paths, names, keys, labels, class_names)

    @classmethod
    def from_columns(
        cls,
        paths: Iterable[str],
        names: Iterable[str],
        keys: Iterable[str],
        labels: Iterable[int],
        class_names: Sequence[str] = (),
    ) -> VideoIndex:
        """As the constructor, from the attributes of the videos; several times faster."""
        index = cls.__new__(cls)
        packed_paths, packed_names, packed_keys = map(PackedStrings, (paths, names, keys))
        index._set_columns(packed_paths, packed_names, packed_keys, array("q", labels), class_names)
        return index

    def _set_columns(
        self,
        paths: PackedStrings,
        names: PackedStrings,
        keys: PackedStrings,
        labels: array[int],
        class_names: Sequence[str],
    ) -> None:
        if not labels:
            raise InputError("A collection needs at least one video.")
        self._paths, self._names, self._keys, self._labels = paths, names, keys, labels
        self.class_names = tuple(class_names)

    def __len__(self) -> int:
        return len(self._labels)

    @overload
    def __getitem__(self, row: int) -> Video: ...
    @overload
    def __getitem__(self, row: slice) -> VideoIndex: ...
    def __getitem__(self, row: int | slice) -> Video | VideoIndex:
        if isinstance(row, slice):
            return VideoIndex.from_columns(
                self._paths[row], self._names[row], self._keys[row], self._labels[row], self.class_names
            )
        return Video(self._paths[row], self._names[row], self._labels[row], self._keys[row])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VideoIndex):
            return NotImplemented
        return self._columns() == other._columns()

    def __repr__(self) -> str:
        return f"VideoIndex({len(self)} videos, {len(self.class_names)} classes)"

    @property
    def paths(self) -> list[str]:
        """The files, in the order of the rows."""
        return list(self._paths)

    @property
    def keys(self) -> list[str]:
        """What the videos are known by, in the order of the rows; see :class:`Video`."""
        return list(self._keys)

    @property
    def labels(self) -> Tensor:
        """The classes, ``(N,)`` long; -1 for none."""
        return torch.frombuffer(self._labels, dtype=torch.long).clone()

    def relabelled(self, class_names: Sequence[str]) -> VideoIndex:
        """The same videos with labels that number ``class_names``, so that they agree with another collection's.

        Raises:
            InputError: a video is of a class that is not among them.
        """
        number = {name: label for label, name in enumerate(class_names)}
        occurring = {label: self.class_names[label] for label in set(self._labels) - {NO_LABEL}}
        if unknown := set(occurring.values()) - number.keys():
            raise InputError(f"These classes of one collection are not in the other: {', '.join(sorted(unknown))}.")
        new = {NO_LABEL: NO_LABEL, **{label: number[name] for label, name in occurring.items()}}
        relabelled = copy.copy(self)
        relabelled.class_names = tuple(class_names)
        relabelled._labels = array("q", (new[label] for label in self._labels))
        return relabelled

    @classmethod
    def from_labeled_video_paths(
        cls, labeled_video_paths: Iterable[tuple[str, dict[str, Any]]], class_names: Sequence[str] = ()
    ) -> VideoIndex:
        """Take over the videos of PyTorchVideo's ``LabeledVideoDataset``.

        Args:
            labeled_video_paths: the data set itself, as its constructors ``Kinetics``, ``Hmdb51``, ... make it; its
                ``LabeledVideoPaths``; or pairs of a path and a dictionary with ``label`` and ``video_index``, both
                optional. Videos go to the rows that ``video_index`` tells; without it they stay in the order given,
                by which the data set numbers its samples. The folder that a video lies in becomes part of its key.
            class_names: names of the classes in the order of their labels. By default, if labels are names, these in
                alphabetical order.

        Raises:
            InputError: the values of ``video_index`` are not 0 to N - 1, each once, or a label is not a class.

        Example:
            >>> dataset = pytorchvideo.data.Hmdb51(splits, clip_sampler, video_path_prefix=videos)  # doctest: +SKIP
            >>> index = VideoIndex.from_labeled_video_paths(dataset)  # doctest: +SKIP
        """
        # The data set gives its paths to nobody else, and iterating over it would decode videos.
        pairs = getattr(labeled_video_paths, "_labeled_videos", labeled_video_paths)
        paths: list[str] = []
        labels: list[Any] = []
        rows: list[int] = []
        for path, info in pairs:
            rows.append(info.get("video_index", len(paths)))
            paths.append(path)
            labels.append(info.get("label", NO_LABEL))
        if sorted(rows) != list(range(len(rows))):
            raise InputError(f"video_index must number the {len(rows)} videos from 0 to {len(rows) - 1}, each once.")
        class_names = class_names or sorted({label for label in labels if isinstance(label, str)})
        number = {name: label for label, name in enumerate(class_names)}

        def video(place: int) -> Video:
            path, label = paths[place], labels[place]
            if isinstance(label, str) and label not in number:
                raise InputError(f"{path}: its label '{label}' is not among the classes {', '.join(class_names)}.")
            folder, name = os.path.split(path)
            key = "/".join(filter(None, [os.path.basename(folder), without_extension(name)]))
            return Video(path, name, number[label] if isinstance(label, str) else int(label), key)

        return cls(map(video, sorted(range(len(rows)), key=rows.__getitem__)), class_names)

    def to_labeled_video_paths(self) -> list[tuple[str, dict[str, int]]]:
        """What PyTorchVideo's ``LabeledVideoDataset`` takes; its samples then carry our labels and rows."""
        return [(path, {"label": self._labels[row], "video_index": row}) for row, path in enumerate(self._paths)]

    def _columns(self) -> tuple[Any, ...]:
        return self._paths, self._names, self._keys, self._labels, self.class_names
