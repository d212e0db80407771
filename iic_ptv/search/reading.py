"""Reading the clips of many videos, a few at a time, in worker processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.clip_reader import Clip, ClipReader, OpenClips
from iic_ptv.data.decoding import VideoError
from iic_ptv.data.decoding.time_limit import time_limit
from iic_ptv.data.index import Video
from iic_ptv.data.loaders import ClipLoader, worker_options
from iic_ptv.search.clip_plan import ClipPlan
from iic_ptv.transforms.sampling import span

CLIPS_AT_ONCE = 16  # which bounds the memory that a long video takes


@dataclass(frozen=True, eq=False)
class Piece:
    """Some clips of a video.

    Attributes:
        row: of the video among those that are read.
        seconds: ``(n,)`` float64, where in the video the clips begin.
        clips: ``video``, uint8 ``(n, 3, T, H, W)``, and with a source of flow ``flow``, uint8 ``(n, 2, T, H, W)``.
        is_last: whether the video has no more.
    """

    row: int
    seconds: Tensor
    clips: Clip
    is_last: bool

    def __len__(self) -> int:
        return len(self.seconds)

    def split(self, count: int) -> tuple[Piece, Piece]:
        """So many of its clips, and the others, of which there may be none."""
        first = {key: clips[:count] for key, clips in self.clips.items()}
        others = {key: clips[count:] for key, clips in self.clips.items()}
        return (
            Piece(self.row, self.seconds[:count], first, self.is_last and count == len(self)),
            Piece(self.row, self.seconds[count:], others, self.is_last),
        )


@dataclass(frozen=True)
class Unreadable:
    """A video that cannot be read, although some pieces of it may have come before.

    Attributes:
        row: of the video among those that are read.
        reason: why.
    """

    row: int
    reason: str

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True  # for the loader, which passes over empty batches


def read_pieces(
    videos: Sequence[Video],
    reader: ClipReader,
    plan: ClipPlan,
    num_workers: int = 0,
    start_method: str | None = None,
) -> Iterator[Piece | Unreadable]:
    """Read the planned clips of all videos.

    The pieces of a video come in their order, those of several videos mixed.

    Args:
        videos: the videos.
        reader: how clips are read; its limit of time is that of each clip.
        plan: which clips.
        num_workers: processes that decode; 0 decodes in this one.
        start_method: see :func:`~iic_ptv.data.loaders.worker_options`.

    Raises:
        InputError: a worker process died.
    """
    dataset = _Pieces(videos, reader, plan, start_method)
    options = worker_options(min(num_workers, len(videos)), start_method)
    yield from ClipLoader(dataset, BadVideoLog(), batch_size=None, **options)


def read_clips(opened: OpenClips, starts: Sequence[int]) -> Clip:
    """Read the clips that start at these frames, within the limit of time.

    Returns:
        As :attr:`Piece.clips`.

    Raises:
        VideoError: they cannot be read, in time or at all.
    """
    with time_limit(opened.reader.time_limit * len(starts), opened.source.path):
        clips = opened.clips(starts)
    return {key: torch.stack([clip[key] for clip in clips]) for key in clips[0]}


class _Pieces(IterableDataset[Piece | Unreadable]):
    """The pieces that a process reads. It takes the next video when it is done with one: some are long."""

    def __init__(self, videos: Sequence[Video], reader: ClipReader, plan: ClipPlan, start_method: str | None) -> None:
        self.videos = videos
        self.reader = reader
        self.plan = plan
        self._taken = multiprocessing.get_context(start_method).Value("q", 0)  # shared by all processes

    def __iter__(self) -> Iterator[Piece | Unreadable]:
        while (row := self._take()) < len(self.videos):
            try:
                yield from self._pieces(row)
            except VideoError as error:
                yield Unreadable(row, error.reason)

    def _take(self) -> int:
        with self._taken.get_lock():
            self._taken.value += 1
            return self._taken.value - 1

    def _pieces(self, row: int) -> Iterator[Piece]:
        video = self.videos[row]
        with ExitStack() as stack:
            with time_limit(self.reader.time_limit, video.path):
                opened = stack.enter_context(self.reader.open(video))
            frames = opened.video.index
            starts = self.plan.starts(frames, span(self.reader.clip_length, opened.stride))
            for first in range(0, len(starts), CLIPS_AT_ONCE):
                chunk = starts[first : first + CLIPS_AT_ONCE]
                seconds = torch.tensor([frames.seconds(start) for start in chunk], dtype=torch.float64)
                yield Piece(row, seconds, read_clips(opened, chunk), first + len(chunk) == len(starts))
