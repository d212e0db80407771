"""Transcoding a collection once, so that random clips of it are read fast."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from iic_ptv.data.decoding import VideoError, describe_video
from iic_ptv.data.index import VideoIndex, without_extension
from iic_ptv.data.preparation.declared_size import check_whole
from iic_ptv.data.preparation.derived import DerivedFolder
from iic_ptv.data.preparation.manifest import ManifestRow, path_below_root
from iic_ptv.data.preparation.rows import Job, reason_of
from iic_ptv.data.preparation.transcode import Encoding, transcode
from iic_ptv.errors import InputError
from iic_ptv.files.atomic import atomic_write

NAME = "preparation"
LIST_EXTENSIONS = (".txt", ".csv", ".json")


class Prepared(NamedTuple):
    """What came of a preparation.

    Attributes:
        rows: a row for every video of the collection.
        num_kept: how many of them were there before, and were not made again.
        bytes_before: size of the sources that could be read.
        bytes_after: size of what was made of them.
    """

    rows: list[ManifestRow]
    num_kept: int
    bytes_before: int
    bytes_after: int


def prepare_collection(
    index: VideoIndex,
    root: str | os.PathLike[str],
    output: str | os.PathLike[str],
    encoding: Encoding | None = None,
    *,
    num_workers: int | None = None,
    time_limit: float = 3600.0,
) -> Prepared:
    """Write every video of a collection as a small MP4 file that can be read at random, under the same key.

    The same command completes a folder that was interrupted, and brings one up to date with its source. Videos that
    cannot be read are left out. Lists that lie beside the videos are copied, and find them: extensions in them do not
    matter.

    Args:
        index: the videos.
        root: the folder of the collection, which the paths of the videos are relative to.
        output: where to write; new, empty, or of the same encoding.
        encoding: how to write; None: the defaults.
        num_workers: processes; None: one for each core.
        time_limit: seconds that a video may take before it counts as one that cannot be read; 0 for any.

    Raises:
        InputError: the folder holds something else, was made with other options, or cannot be written.
    """
    encoding = encoding or Encoding()
    folder = DerivedFolder(Path(root), Path(output), NAME, encoding)
    folder.claim()
    paths = [path_below_root(video) for video in index]
    jobs = [
        Job(video.path, path, target) for video, path, target in zip(index, paths, target_names(paths), strict=True)
    ]
    make = partial(prepare_video, output=Path(output), encoding=encoding)

    def is_there(job: Job) -> bool:
        return os.path.exists(os.path.join(output, job.target))

    rows, num_kept = folder.complete(jobs, make, is_there, num_workers, time_limit, "Preparing videos")
    _copy_lists(Path(root), Path(output), {video.path for video in index})
    good = [(job, row) for job, row in zip(jobs, rows, strict=True) if not row.error]
    after = sum(os.path.getsize(os.path.join(output, job.target)) for job, _ in good)
    return Prepared(rows, num_kept, sum(row.size for _, row in good), after)


def target_names(paths: Sequence[str]) -> list[str]:
    """Where the videos go: the same path with the extension ``.mp4``.

    Videos that differ in nothing but the extension keep theirs before it.

    Example:
        >>> target_names(["run/a.avi", "run/b.avi", "run/b.mov", "run/c"])
        ['run/a.mp4', 'run/b.avi.mp4', 'run/b.mov.mp4', 'run/c.mp4']
    """
    names = [without_extension(path) for path in paths]
    while repeated := {name for name, count in Counter(names).items() if count > 1}:
        names = [path if name in repeated else name for path, name in zip(paths, names, strict=True)]
    return [f"{name}.mp4" for name in names]


def prepare_video(job: Job, output: Path, encoding: Encoding) -> ManifestRow:
    """Write one video; the row tells of the target, or why there is none."""
    row = ManifestRow.of_unread(job.source, job.path)
    target = output / job.target
    try:
        if row.error:
            raise VideoError(row.error)
        check_whole(job.source)
        found = describe_video(job.source)
        size = encoding.size(found.height, found.width)
        with atomic_write(target) as temporary:
            num_frames = transcode(job.source, temporary, size, found.frame_rate, encoding)
    except OSError as error:  # of writing, as those of reading come as VideoError
        raise InputError(f"'{target}' cannot be written ({error.strerror}).") from error
    except Exception as error:
        target.unlink(missing_ok=True)  # one that was made of an earlier source
        return row._replace(error=reason_of(error))
    return row._replace(
        num_frames=num_frames, frame_rate=found.frame_rate, height=size[0], width=size[1],
        codec="h264", gop=min(encoding.gop, num_frames), decoded="all",
    )  # fmt: skip


def _copy_lists(root: Path, output: Path, videos: set[str]) -> None:
    try:
        for file in _lists(root, videos):
            target = output / file.relative_to(root)
            if target not in (output / f"{NAME}.json", output / f"{NAME}.csv"):
                with atomic_write(target) as temporary:
                    shutil.copy2(file, temporary)
    except OSError as error:
        raise InputError(f"the lists of '{root}' cannot be copied to '{output}' ({error}).") from error


def _lists(root: Path, videos: set[str]) -> Iterator[Path]:
    """The lists in a collection; folders of frames, which are many and large, are not looked into."""
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = [name for name in subfolders if os.path.join(folder, name) not in videos and name[0] != "."]
        lists = (Path(folder, name) for name in files if name.lower().endswith(LIST_EXTENSIONS) and name[0] != ".")
        yield from filter(Path.is_file, lists)  # links may lead nowhere
