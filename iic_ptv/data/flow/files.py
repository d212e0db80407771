"""Writing the optical flow of a collection as pictures."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from PIL import Image
from torch import Tensor

from iic_ptv.data.decoding import VideoError, describe_video
from iic_ptv.data.decoding.reader import FrameSize
from iic_ptv.data.flow.computed import ComputedFlow
from iic_ptv.data.flow.encoding import BOUND
from iic_ptv.data.flow.folder import COMPONENTS
from iic_ptv.data.index import Video, VideoIndex
from iic_ptv.data.preparation.derived import DerivedFolder
from iic_ptv.data.preparation.manifest import ManifestRow, path_below_root
from iic_ptv.data.preparation.pictures import pictures, scaled_size
from iic_ptv.data.preparation.rows import Job, reason_of
from iic_ptv.errors import InputError

NAME = "flow"
JPEG_QUALITY = 95


@dataclass(frozen=True)
class FlowSettings:
    """How flow is computed and written.

    Attributes:
        method: see :class:`~iic_ptv.data.flow.computed.ComputedFlow`.
        short_side: pixels of the shorter side of the frames that it is computed from; 0: as they are. Smaller
            frames stay as they are.
        bound: displacement in pixels at which the 8-bit form is cut off.

    Raises:
        InputError: a value cannot be used.
    """

    method: str = "dis"
    short_side: int = 0
    bound: float = BOUND

    def __post_init__(self) -> None:
        if self.short_side < 0:
            raise InputError(f"The short side must be 0, for the frames as they are, or more, got {self.short_side}.")
        self.source()

    def source(self) -> ComputedFlow:
        """What computes it."""
        return ComputedFlow(self.method, self.bound)


class WrittenFlow(NamedTuple):
    """What came of it.

    Attributes:
        rows: a row for every video of the collection; height and width are those of the flow.
        num_kept: how many of them were there before, and were not made again.
    """

    rows: list[ManifestRow]
    num_kept: int


def write_flow(
    index: VideoIndex,
    root: str | os.PathLike[str],
    output: str | os.PathLike[str],
    settings: FlowSettings | None = None,
    *,
    num_workers: int | None = None,
    time_limit: float = 3600.0,
) -> WrittenFlow:
    """Write the flow of every video, for :class:`~iic_ptv.data.flow.folder.FlowFolder`.

    A video of n frames has n pictures ``u/<key>/frame000001.jpg``, ... and n in ``v``; the last one repeats the one
    before. The same command completes a folder that was interrupted, and brings one up to date with its source.

    Args:
        index: the videos.
        root: the folder of the collection.
        output: where to write; new, empty, or of the same settings.
        settings: how; None: the defaults.
        num_workers: processes; None: one for each core.
        time_limit: seconds that a video may take before it counts as one that cannot be read; 0 for any.

    Raises:
        InputError: the folder holds something else, was made with other options, or cannot be written.
    """
    settings = settings or FlowSettings()
    folder = DerivedFolder(Path(root), Path(output), NAME, settings)
    folder.claim()
    for component in COMPONENTS:
        (folder.path / component).mkdir(exist_ok=True)
    targets = _targets(index.keys)
    jobs = [Job(video.path, path_below_root(video), target) for video, target in zip(index, targets, strict=True)]

    def is_there(job: Job) -> bool:
        return all((folder.path / component / job.target).is_dir() for component in COMPONENTS)

    make = partial(write_video_flow, output=folder.path, settings=settings)
    return WrittenFlow(*folder.complete(jobs, make, is_there, num_workers, time_limit, "Computing flow"))


def _targets(keys: Sequence[str]) -> list[str]:
    """The folder of each video's pictures, its key; empty where that is, or lies in, the folder of another video."""
    all_keys, taken, targets = set(keys), set(), []
    for key in keys:
        lies_within = any(parent.as_posix() in all_keys for parent in PurePosixPath(key).parents)
        targets.append("" if key in taken or lies_within else key)
        taken.add(key)
    return targets


def write_video_flow(job: Job, output: Path, settings: FlowSettings) -> ManifestRow:
    """Write the flow of one video; the row tells of it, or why there is none."""
    row = ManifestRow.of_unread(job.source, job.path)
    try:
        if row.error:
            raise VideoError(row.error)
        if not job.target:
            raise VideoError("its flow would lie in the folder of another video, whose name differs in the extension")
        found = describe_video(job.source)
        size = scaled_size(found.height, found.width, settings.short_side)
        with (
            _whole_folder(output / COMPONENTS[0] / job.target) as u,
            _whole_folder(output / COMPONENTS[1] / job.target) as v,
        ):
            num_frames = _write_pictures(job.source, size, settings, u, v)
    except OSError as error:  # of writing, as those of reading come as VideoError
        raise InputError(f"'{output}' cannot be written to ({error.strerror}).") from error
    except Exception as error:
        return row._replace(error=reason_of(error))
    return row._replace(
        num_frames=num_frames, frame_rate=found.frame_rate, height=size[0], width=size[1],
        codec="mjpeg", gop=1, decoded="all",
    )  # fmt: skip


def _write_pictures(source: str, size: FrameSize, settings: FlowSettings, *folders: Path) -> int:
    num_pictures = 0
    for components in _flow(source, size, settings.source()):
        num_pictures += 1
        for component, folder in zip(components, folders, strict=True):
            picture = Image.fromarray(component.numpy())
            picture.save(folder / f"frame{num_pictures:06}.jpg", quality=JPEG_QUALITY)
    return num_pictures


def _flow(source: str, size: FrameSize, method: ComputedFlow) -> Iterator[Tensor]:
    """The flow at every frame of a video, one after another, uint8 ``(2, H, W)``."""
    video = Video(source, os.path.basename(source))
    frames = pictures(source, size)
    first = next(frames)
    motion = method.flow(video, [0], {0: first}, num_frames=1)  # in case that there is no other
    for second in frames:
        motion = method.flow(video, [0], {0: first, 1: second}, num_frames=2)
        yield motion[:, 0]
        first = second
    yield motion[:, 0]


@contextmanager
def _whole_folder(target: Path) -> Iterator[Path]:
    """Give a folder to write to, which takes the place of ``target`` when the block ends without an error."""
    temporary = target.with_name(f".tmp-{secrets.token_hex(8)}")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if target.exists():
            shutil.rmtree(target)
        os.replace(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
