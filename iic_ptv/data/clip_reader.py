"""Reading clips out of a video: which frames, at which size, and with which optical flow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from iic_ptv.data.decoding import VideoError, VideoReader, open_video
from iic_ptv.data.decoding.opening import check_decoder
from iic_ptv.data.decoding.time_limit import time_limit
from iic_ptv.data.flow import FlowSource
from iic_ptv.data.index import Video
from iic_ptv.errors import InputError
from iic_ptv.transforms.sampling import Short, check_sampling, check_short, clip_frames, fit_short, stride_at_rate

Clip = dict[str, Tensor]
ChooseStarts = Callable[[int, float], Sequence[int]]


class ReadsClips(Protocol):
    """What makes clips of a video of a collection."""

    @property
    def clip_length(self) -> int:
        """Frames per clip, T."""

    def read(self, video: Video, choose_starts: ChooseStarts) -> list[Clip]:
        """Read clips of one video; see :meth:`ClipReader.read`."""


@dataclass(frozen=True)
class ClipReader:
    """How clips are read from videos.

    Attributes:
        clip_length: frames per clip, T.
        stride: distance of a clip's frames in the video.
        frame_rate: frames per second that videos are brought to before the stride counts, by leaving out or repeating
            frames; 0 takes them as they are.
        short: what to do with videos shorter than a clip: "loop", "pad" with the last frame, or "refuse" them, as if
            they could not be read.
        decoder: one of :data:`~iic_ptv.data.decoding.DECODERS`; "auto" suits every file.
        size: ``(height, width)`` that the decoder scales frames to; None keeps theirs.
        time_limit: seconds that reading from one video may take before it counts as one that cannot be read; 0: any.
        flow: where optical flow comes from; None reads none.

    Raises:
        InputError: an option cannot be used.
    """

    clip_length: int = 16
    stride: int = 1
    frame_rate: float = 0.0
    short: Short = "loop"
    decoder: str = "auto"
    size: tuple[int, int] | None = None
    time_limit: float = 60.0
    flow: FlowSource | None = None

    def __post_init__(self) -> None:
        check_sampling(self.clip_length, self.stride)
        check_short(self.short)
        check_decoder(self.decoder)

    def read(self, video: Video, choose_starts: ChooseStarts) -> list[Clip]:
        """Read clips of one video; frames that they share are decoded once.

        Args:
            video: the video.
            choose_starts: first frames of the clips, given the number of frames and the stride.

        Returns:
            For every clip ``video``, uint8 RGB ``(3, T, H, W)``, and with a source of flow ``flow``, uint8
            ``(2, T, H, W)``.

        Raises:
            VideoError: the video cannot be read, in time or at all, or it is refused.
        """
        with time_limit(self.time_limit, video.path), self.open(video) as opened:
            return opened.clips(choose_starts(opened.video.num_frames, opened.stride))

    @contextmanager
    def open(self, video: Video) -> Iterator[OpenClips]:
        """Open a video to read clips of it piece by piece, with no limit of time: that is for who reads to set.

        Raises:
            VideoError: the video cannot be read.
        """
        with open_video(video.path, self.decoder) as opened:
            yield OpenClips(self, video, opened)


class OpenClips:
    """The clips of a video that is open.

    Args:
        reader: how clips are read.
        source: the video.
        video: the same, open.

    Attributes:
        video: the open video, which knows its number of frames and their times.
        stride: distance of a clip's frames in this video.

    Raises:
        VideoError: the video tells no frame rate, and is to be brought to another.
    """

    def __init__(self, reader: ClipReader, source: Video, video: VideoReader) -> None:
        self.reader = reader
        self.source = source
        self.video = video
        self.stride = self._stride()

    def clips(self, starts: Sequence[int]) -> list[Clip]:
        """Read the clips that start at these frames; see :meth:`ClipReader.read`.

        Raises:
            VideoError: a frame cannot be decoded, or the video is too short and such are refused.
        """
        return self._decode([self._frames(start) for start in starts])

    def _stride(self) -> float:
        reader, rate = self.reader, self.video.frame_rate
        if not reader.frame_rate:
            return reader.stride
        if not rate:
            raise VideoError("it does not tell its frame rate, so it cannot be brought to another", self.source.path)
        return stride_at_rate(reader.stride, rate, reader.frame_rate)

    def _frames(self, start: int) -> list[int]:
        frames = clip_frames(start, self.reader.clip_length, self.stride)
        try:
            return fit_short(frames, self.video.num_frames, self.reader.short)
        except InputError as error:
            raise VideoError(str(error), self.source.path) from error

    def _decode(self, clips: Sequence[Sequence[int]]) -> list[Clip]:
        flow = self.reader.flow
        needed = {frame for clip in clips for frame in clip}
        if flow is not None:
            needed.update(flow.frames_needed(sorted(needed), self.video.num_frames))
        numbers = sorted(needed)
        pixels = self.video.frames(numbers, self.reader.size)
        place = {frame: position for position, frame in enumerate(numbers)}
        entries: list[Clip] = [{"video": _take(pixels, [place[frame] for frame in clip])} for clip in clips]
        if flow is not None:
            pictures: Mapping[int, Tensor] = {frame: pixels[:, position] for frame, position in place.items()}
            size = (pixels.shape[-2], pixels.shape[-1])
            for entry, clip in zip(entries, clips, strict=True):
                entry["flow"] = flow.flow(self.source, clip, pictures, self.video.num_frames, size)
        return entries


def _take(pixels: Tensor, places: list[int]) -> Tensor:
    """The frames at ``places``; all of them in order need no copy."""
    return pixels if places == list(range(pixels.shape[1])) else pixels[:, places]
