"""Write procedural videos as a folder of MP4 files with lists in UCF101's format."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor

from iic_ptv.data.procedural.collection import Collection, ProceduralVideo
from iic_ptv.data.procedural.motions import MOTIONS
from iic_ptv.data.procedural.mp4 import write_mp4
from iic_ptv.data.procedural.render import render_videos
from iic_ptv.data.progress import progress_bar
from iic_ptv.errors import InputError
from iic_ptv.files.atomic import atomic_write

FINISHED = "rendering.json"
UNFINISHED = "rendering.unfinished.json"
PIXELS_PER_BATCH = 2**18  # stays near the processor's caches; larger batches take memory and are no faster


def write_videos(
    folder: str | os.PathLike[str],
    *,
    train_per_class: int,
    test_per_class: int,
    motions: Sequence[str] = MOTIONS,
    num_frames: int = 32,
    size: int | tuple[int, int] = 64,
    frame_rate: int = 16,
    seed: int = 0,
    appearances: int | None = None,
    progress: bool = True,
) -> Path:
    """Render a collection of videos into ``folder``.

    The videos come as ``videos/MOTION/v_MOTION_gGG_c01.mp4``, with UCF101's lists ``classInd.txt``,
    ``trainlist01.txt`` and ``testlist01.txt`` in ``splits/``; ``rendering.json``, written last, holds the parameters.
    A folder that holds the same collection already is left as it is, and one that was interrupted is completed.

    Args:
        folder: where to write; made if it does not exist.
        train_per_class: training videos of each motion.
        test_per_class: test videos of each motion.
        motions: the classes, names from :data:`~iic_ptv.data.procedural.motions.MOTIONS`.
        num_frames: frames per video.
        size: height and width in pixels, or the side of a square; even.
        frame_rate: frames per second, for players; motion is defined per frame.
        seed: another seed gives other videos.
        appearances: how many looks (shape, textures, colours, background) there are, the same for every motion; by
            default each video has its own, so that looks alone tell the videos apart.
        progress: show a progress bar on standard error.

    Returns:
        ``folder``, as a path.

    Raises:
        InputError: a parameter cannot be used, or the folder holds something else.
    """
    height, width = (size, size) if isinstance(size, int) else size
    collection = Collection(
        tuple(motions),
        train_per_class,
        test_per_class,
        num_frames,
        (height, width),
        frame_rate,
        seed,
        appearances=appearances,
    )
    folder = Path(folder)
    try:
        _claim(folder, collection)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to ({error.strerror}). Name another folder.") from error
    missing = [video for video in collection.videos() if not (folder / "videos" / video.path).exists()]
    _write_missing(folder / "videos", collection, missing, progress)
    for name, content in collection.lists().items():
        _write_text(folder / "splits" / name, content)
    if (folder / UNFINISHED).exists():
        (folder / UNFINISHED).replace(folder / FINISHED)
    return folder


def _claim(folder: Path, collection: Collection) -> None:
    """Make sure that the folder is empty or holds this very collection, finished or not."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: expected a folder, this is a file. Name another folder.")
    for record in (folder / FINISHED, folder / UNFINISHED):
        if record.exists():
            differences = collection.differences(_read_record(record))
            if differences:
                raise InputError(
                    f"{folder} holds videos of other parameters ({'; '.join(differences)}). "
                    "Name another folder, or delete this one."
                )
            return
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty and holds no procedural videos. Name another folder.")
    _write_text(folder / UNFINISHED, json.dumps(dataclasses.asdict(collection), indent=2) + "\n")


def _read_record(record: Path) -> dict[str, object]:
    try:
        return dict(json.loads(record.read_text()))
    except ValueError as error:
        raise InputError(f"{record} is not a record of rendered videos ({error}). Delete its folder.") from error


def _write_missing(folder: Path, collection: Collection, videos: Sequence[ProceduralVideo], progress: bool) -> None:
    """Render and encode, batch by batch, one batch per processor at a time."""
    batch_size = max(1, PIXELS_PER_BATCH // (collection.num_frames * math.prod(collection.size)))
    batches = [videos[start : start + batch_size] for start in range(0, len(videos), batch_size)]

    def write(batch: Sequence[ProceduralVideo]) -> int:
        for video, frames in zip(batch, _render_frames(collection, batch), strict=True):
            with atomic_write(folder / video.path) as temporary:
                write_mp4(temporary, frames, collection.frame_rate)
        return len(batch)

    with (
        progress_bar(enabled=progress and len(videos) > 0) as bar,
        _one_thread_per_operation(),
        ThreadPoolExecutor(os.cpu_count()) as workers,
    ):
        task = bar.add_task("Rendering videos", total=len(videos))
        for written in workers.map(write, batches):
            bar.advance(task, written)


def _render_frames(collection: Collection, videos: Sequence[ProceduralVideo]) -> Tensor:
    """Render videos as uint8 ``(B, T, H, W, 3)``."""
    motions = torch.tensor([MOTIONS.index(video.motion) for video in videos])
    seeds = torch.tensor([video.seed(collection.seed) for video in videos])
    times = torch.arange(collection.num_frames, dtype=torch.float32)
    looks = None if collection.appearances is None else torch.tensor([collection.look(video) for video in videos])
    clips = render_videos(motions, seeds, times, collection.size, appearance_seeds=looks)
    return clips.mul_(255.0).round_().byte().permute(0, 2, 3, 4, 1).contiguous()


@contextlib.contextmanager
def _one_thread_per_operation() -> Iterator[None]:
    """Let the workers share the processors: threads within torch's operations would wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _write_text(path: Path, content: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(content)
