"""Collections of videos: which files there are, and which row of the memory banks belongs to each.

Every constructor sorts its videos by path: a video keeps its row whatever the file system or the order of a list.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args, overload

import torch
from torch import Tensor

from iic_ptv.data.list_files import NO_LABEL, PathLike, find_file, read_class_index, read_table, read_ucf101_list
from iic_ptv.errors import InputError

logger = logging.getLogger(__name__)

VIDEO_EXTENSIONS = (
    ".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv",
)  # fmt: skip

Missing = Literal["error", "skip"]


@dataclass(frozen=True)
class Video:
    """One video file.

    Attributes:
        path: where it is.
        name: what it is called in samples and reports, its file name.
        label: its class, -1 for none.
    """

    path: str
    name: str
    label: int = NO_LABEL


@dataclass(frozen=True, repr=False)
class VideoIndex(Sequence[Video]):
    """A collection of videos; a video's place in it is its row in the memory banks.

    Attributes:
        videos: the videos.
        class_names: names of the classes in the order of their labels, if known.

    Raises:
        InputError: there are no videos.
    """

    videos: tuple[Video, ...]
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.videos:
            raise InputError("A collection needs at least one video.")

    @overload
    def __getitem__(self, row: int) -> Video: ...
    @overload
    def __getitem__(self, row: slice) -> VideoIndex: ...
    def __getitem__(self, row: int | slice) -> Video | VideoIndex:
        if isinstance(row, slice):
            return VideoIndex(self.videos[row], self.class_names)
        return self.videos[row]

    def __len__(self) -> int:
        return len(self.videos)

    def __repr__(self) -> str:
        return f"VideoIndex({len(self)} videos, {len(self.class_names)} classes)"

    @property
    def paths(self) -> list[str]:
        """The files, in the order of the rows."""
        return [video.path for video in self.videos]

    @property
    def labels(self) -> Tensor:
        """The classes, ``(N,)`` long; -1 for none."""
        return torch.tensor([video.label for video in self.videos])

    def relabelled(self, class_names: Sequence[str]) -> VideoIndex:
        """The same videos with labels that number ``class_names``, so that they agree with another collection's.

        Raises:
            InputError: a video is of a class that is not among them.
        """
        number = {name: label for label, name in enumerate(class_names)}
        unknown = {self.class_names[video.label] for video in self.videos} - number.keys()
        if unknown:
            raise InputError(f"These classes of one collection are not in the other: {', '.join(sorted(unknown))}.")
        videos = (replace(video, label=number[self.class_names[video.label]]) for video in self.videos)
        return VideoIndex(tuple(videos), tuple(class_names))

    @classmethod
    def from_labeled_video_paths(
        cls, labeled_video_paths: Iterable[tuple[str, dict[str, Any]]], class_names: Sequence[str] = ()
    ) -> VideoIndex:
        """Take over the videos of PyTorchVideo's ``LabeledVideoDataset``, e.g. its ``LabeledVideoPaths``.

        Args:
            labeled_video_paths: pairs of a path and a dictionary with ``label`` and ``video_index``, both optional.
                Videos go to the rows that ``video_index`` tells; without it they stay in the order given.
            class_names: names of the classes in the order of their labels.

        Raises:
            InputError: the values of ``video_index`` are not 0 to N - 1, each once.
        """
        pairs = list(labeled_video_paths)
        rows = [info.get("video_index", row) for row, (_, info) in enumerate(pairs)]
        if sorted(rows) != list(range(len(pairs))):
            raise InputError(f"video_index must number the {len(pairs)} videos from 0 to {len(pairs) - 1}, each once.")
        videos = [_video(path, int(info.get("label", NO_LABEL))) for path, info in pairs]
        return cls(tuple(video for _, video in sorted(zip(rows, videos, strict=True))), tuple(class_names))

    def to_labeled_video_paths(self) -> list[tuple[str, dict[str, int]]]:
        """What PyTorchVideo's ``LabeledVideoDataset`` takes; its samples then carry our labels and rows."""
        return [(video.path, {"label": video.label, "video_index": row}) for row, video in enumerate(self.videos)]


def class_folders(root: PathLike) -> VideoIndex:
    """A folder with one sub-folder of video files per class.

    Classes are the sub-folders that hold videos, in alphabetical order.

    Raises:
        InputError: there is no such folder, or no video in its sub-folders.
    """
    folder = _folder(root, "one sub-folder of video files per class")
    classes = {sub.name: files for sub in sorted(folder.iterdir()) if sub.is_dir() and (files := _videos_in(sub))}
    if not classes:
        here = len(_videos_in(folder))
        hint = f" The {here} that lie in it directly can be read as a flat folder." if here else ""
        raise InputError(f"'{folder}': no video files ({_extensions()}) in its sub-folders.{hint}")
    videos = [_video(file, label) for label, files in enumerate(classes.values()) for file in files]
    return VideoIndex(tuple(videos), tuple(classes))


def flat_folder(root: PathLike) -> VideoIndex:
    """All video files in a folder and below it, without labels.

    Raises:
        InputError: there is no such folder, or no video in it.
    """
    folder = _folder(root, "video files")
    files = sorted(file for sub, _, _ in os.walk(folder, followlinks=True) for file in _videos_in(Path(sub)))
    if not files:
        raise InputError(f"'{folder}': no video files ({_extensions()}) in it or its sub-folders.")
    return VideoIndex(tuple(_video(file) for file in files))


def ucf101_lists(
    root: PathLike,
    lists: PathLike | Sequence[PathLike],
    class_index: PathLike | None = None,
    missing: Missing = "error",
) -> VideoIndex:
    """A split in UCF101's format.

    Lines of a list read ``Class/v_Class_g01_c01.avi 1`` (as in ``trainlist01.txt``) or have no number (as in
    ``testlist01.txt``); then the folder names the class. A file that is there under another extension is taken.

    Args:
        root: folder that holds the class folders.
        lists: list file or files; a relative one is looked for from here and from ``root``.
        class_index: file with lines ``1 Class``. None: ``classInd.txt`` beside the first list; if there is none,
            the classes are the sub-folders of ``root``, in alphabetical order.
        missing: "error", or "skip" to go on without listed videos that are not there, with a warning.

    Raises:
        InputError: a file or folder is missing, a line is malformed, or a class is unknown.
    """
    folder = _folder(root, "the class folders of the lists")
    files = [lists] if isinstance(lists, (str, os.PathLike)) else list(lists)
    if not files:
        raise InputError("lists: name at least one list of videos.")
    list_files = [find_file(file, folder) for file in files]
    beside = list_files[0].with_name("classInd.txt")
    if class_index is None and not beside.is_file():
        class_names = sorted(sub.name for sub in folder.iterdir() if sub.is_dir())
    else:
        class_names = read_class_index(beside if class_index is None else find_file(class_index, folder))
    listed = {folder / path: label for file in list_files for path, label in read_ucf101_list(file, class_names)}
    return _index_of_listed(listed, class_names, folder, missing)


def csv_file(root: PathLike, file: PathLike | None = None, missing: Missing = "error") -> VideoIndex:
    """A CSV file of video files and, if known, their labels.

    Columns are ``path`` and ``label``, in this order unless a header names them. Labels are numbers from 0 or names of
    classes; an empty label means none.

    Args:
        root: folder that relative paths start from; or the CSV file itself, then they start from its folder.
        file: the CSV file; a relative one is looked for from here and from ``root``.
        missing: "error", or "skip" to go on without listed videos that are not there, with a warning.

    Raises:
        InputError: a file is missing, or a line is malformed.
    """
    table = Path(root) if file is None else find_file(file, _folder(root, "the videos of the CSV file"))
    folder = table.parent if file is None else Path(root)
    labels, class_names = read_table(table)
    listed = {folder / path: label for path, label in labels.items()}
    return _index_of_listed(listed, class_names, folder, missing)


def _index_of_listed(listed: dict[Path, int], class_names: Sequence[str], folder: Path, missing: Missing) -> VideoIndex:
    """The index of the listed videos that exist, or an error that says how many do not."""
    if missing not in get_args(Missing):
        raise InputError(f"missing: there is no '{missing}'; choose one of {', '.join(get_args(Missing))}.")
    present = {path: _existing(path) for path in listed}
    absent = [os.path.relpath(path, folder) for path, file in present.items() if file is None]
    if absent:
        report = (
            f"{len(absent)} of the {len(listed)} listed videos are not under '{folder}': "
            f"{', '.join(absent[:3])}{', ...' if len(absent) > 3 else ''}"
        )
        if missing == "error" or len(absent) == len(listed):
            raise InputError(f"{report}. Check the root folder, or skip them with missing='skip'.")
        logger.warning("%s. They are skipped.", report)
    videos = {file: listed[path] for path, file in present.items() if file is not None}
    return VideoIndex(tuple(_video(file, label) for file, label in sorted(videos.items())), tuple(class_names))


def _existing(path: Path) -> Path | None:
    """The file, or the only video of that name with another extension."""
    if path.is_file():
        return path
    if not path.parent.is_dir():
        return None
    siblings = [file for file in _videos_in(path.parent) if file.stem == path.stem]
    return siblings[0] if len(siblings) == 1 else None


def _video(file: PathLike, label: int = NO_LABEL) -> Video:
    return Video(os.fspath(file), os.path.basename(file), label)


def _videos_in(folder: Path) -> list[Path]:
    files = (file for file in folder.iterdir() if file.suffix.lower() in VIDEO_EXTENSIONS and file.name[0] != ".")
    return sorted(file for file in files if file.is_file())


def _extensions() -> str:
    return ", ".join(VIDEO_EXTENSIONS)


def _folder(root: PathLike, content: str) -> Path:
    folder = Path(root)
    if not folder.is_dir():
        raise InputError(f"There is no folder '{folder}'; it should hold {content}.")
    return folder
