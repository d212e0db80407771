"""An index: the clips of a collection of videos as vectors, in one file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.files.tensor_file import pack_strings, read_description, read_tensors, unpack_strings, write_tensors

FORMAT = "iic_ptv clip index 1"


class Stamp(NamedTuple):
    """What tells whether a file has changed: its size in bytes, and the time of its last change in nanoseconds."""

    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: str) -> Stamp:
        """The stamp of a file, or of a folder of frames.

        Raises:
            OSError: there is none.
        """
        status = os.stat(path)
        return cls(status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, eq=False)
class IndexedVideo:
    """What an index knows of a video.

    Attributes:
        name: its path below the folder of the collection, with "/" between folders.
        stamp: what its file was when it was read.
        seconds: ``(n,)`` float64, where in the video each of its clips begins.
        vectors: ``(n, D)`` float32, the features of the clips, of norm 1.
        error: why it cannot be read; it has no clips then. Empty otherwise.
    """

    name: str
    stamp: Stamp
    seconds: Tensor
    vectors: Tensor
    error: str = ""

    @classmethod
    def unreadable(cls, name: str, stamp: Stamp, error: str) -> IndexedVideo:
        """A video that cannot be read."""
        return cls(name, stamp, torch.empty(0, dtype=torch.float64), torch.empty(0, 0), error)


@dataclass(frozen=True)
class Origin:
    """Where an index comes from.

    Attributes:
        folder: the folder of the collection.
        checkpoint: file of the network; empty for an untrained one.
        config: the configuration, as YAML.
    """

    folder: str
    checkpoint: str = ""
    config: str = ""


@dataclass(frozen=True, eq=False)
class ClipIndex:
    """Clips of V videos as C vectors; the clips of a video stand together, in the order of time.

    Attributes:
        names: of the videos, V paths below the folder of the collection.
        stamps: V, what the files were when they were read.
        errors: V reasons why videos cannot be read; empty for those that can.
        num_clips: ``(V,)`` long, clips of every video.
        seconds: ``(C,)`` float64, where in its video each clip begins.
        vectors: ``(C, D)`` float32, of norm 1; those of a file are read from it when they are needed.
        settings: by the name of an option or of another setting, all that the vectors depend on.
        origin: where the videos and the network are.
    """

    names: Sequence[str]
    stamps: Sequence[Stamp]
    errors: Sequence[str]
    num_clips: Tensor
    seconds: Tensor
    vectors: Tensor
    settings: Mapping[str, Any]
    origin: Origin

    @classmethod
    def of(cls, videos: Iterable[IndexedVideo], settings: Mapping[str, Any], origin: Origin) -> ClipIndex:
        """The index of these videos, in the order of their names."""
        videos = sorted(videos, key=lambda video: video.name)
        readable = [video for video in videos if len(video.seconds)]
        return cls(
            [video.name for video in videos],
            [video.stamp for video in videos],
            [video.error for video in videos],
            torch.tensor([len(video.seconds) for video in videos], dtype=torch.long),
            torch.cat([video.seconds for video in readable]) if readable else torch.empty(0, dtype=torch.float64),
            torch.cat([video.vectors for video in readable]) if readable else torch.empty(0, 0),
            settings,
            origin,
        )

    def videos(self) -> list[IndexedVideo]:
        """The videos one by one, without copying their vectors."""
        counts = self.num_clips.tolist()
        columns = self.names, self.stamps, self.seconds.split(counts), self.vectors.split(counts), self.errors
        return [IndexedVideo(*row) for row in zip(*columns, strict=True)]

    @cached_property
    def video_of_clip(self) -> Tensor:
        """``(C,)`` long, the row of every clip's video."""
        return torch.arange(len(self.names)).repeat_interleave(self.num_clips)

    @cached_property
    def digest(self) -> str:
        """A hash of the settings and the files: SHA-256, in hexadecimal. Indices of the same hash hold the same."""
        content = [self.settings, list(zip(self.names, self.stamps, strict=True))]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_index(path: Path, index: ClipIndex) -> None:
    """Write an index; whoever needs the file to be whole at any moment writes elsewhere and moves it.

    Raises:
        OSError: it cannot be written.
    """
    sizes, times = zip(*index.stamps, strict=True)
    tensors = {
        "vectors": index.vectors,
        "seconds": index.seconds,
        "num_clips": index.num_clips,
        "names": pack_strings(index.names),
        "errors": pack_strings(index.errors),
        "sizes": torch.tensor(sizes, dtype=torch.long),
        "modified_ns": torch.tensor(times, dtype=torch.long),
    }
    try:
        write_tensors(path, tensors, {"format": FORMAT, "settings": index.settings, **vars(index.origin)})
    except SafetensorError as error:
        raise OSError(0, str(error)) from error
    with path.open("rb") as file:
        os.fsync(file)


def read_index(path: str | Path) -> ClipIndex:
    """Read an index; its vectors stay in the file until they are needed.

    Raises:
        InputError: there is no such file, it is damaged, or it is no index.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such index; `iic index FOLDER -o {path}` makes one.")
    try:
        about, tensors = read_description(path), read_tensors(path)
    except OSError as error:
        raise InputError(f"{path}: the index cannot be read ({error.strerror or error}).") from error
    except SafetensorError as error:
        raise InputError(
            f"{path}: not an index, or one that is damaged or cut off ({error}). `iic index` makes it anew under "
            "another name, or under this one once the file is gone."
        ) from error
    if about.get("format") != FORMAT:
        raise InputError(f"{path}: not an index of `iic index`, or of another version of it.")
    return ClipIndex(
        unpack_strings(tensors["names"]),
        [Stamp(*stamp) for stamp in zip(tensors["sizes"].tolist(), tensors["modified_ns"].tolist(), strict=True)],
        unpack_strings(tensors["errors"]),
        tensors["num_clips"],
        tensors["seconds"],
        tensors["vectors"],
        about["settings"],
        Origin(about["folder"], about["checkpoint"], about["config"]),
    )
