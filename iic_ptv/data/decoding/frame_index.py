"""What a video file tells of its frames without decoding them."""

from __future__ import annotations

import os
from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from iic_ptv.data.decoding.errors import VideoError, as_video_error


@dataclass(frozen=True)
class FrameIndex:
    """The frames of a video in the order in which they are shown.

    Attributes:
        num_frames: how many there are.
        frame_rate: mean frames per second; 0 if the file does not tell.
        times: when each is shown, in units of the stream's time base. Empty if the times of the file do not name
            every frame once; then a frame is found only by counting from the first.
        keyframes: numbers of the frames from which decoding can start.
    """

    num_frames: int
    frame_rate: float
    times: tuple[int, ...]
    keyframes: tuple[int, ...]

    @property
    def seekable(self) -> bool:
        """Whether decoding may start anywhere but at the first frame and still know the number of a frame."""
        return bool(self.times)

    def keyframe_before(self, frame: int) -> int:
        """The last keyframe that is not after ``frame``."""
        return self.keyframes[bisect_right(self.keyframes, frame) - 1]


def open_stream(path: str) -> tuple[InputContainer, VideoStream]:
    """Open the file and its first video stream.

    Raises:
        VideoError: there is no such file, or no video in it.
    """
    with as_video_error(path, av.error.FFmpegError, OSError):
        if os.path.getsize(path) == 0:
            raise VideoError("the file is empty", path)
        container = av.open(path)
    if not container.streams.video:
        container.close()
        raise VideoError("it has no video stream", path)
    stream = container.streams.video[0]
    # One thread each: data loaders run one worker per core, and threads would not survive their fork.
    stream.codec_context.thread_count = 1
    return container, stream


def read_frame_index(path: str) -> FrameIndex:
    """Pass over the packets of a video once, without decoding.

    Raises:
        VideoError: the file is missing, empty, cut off, or has no frames.
    """
    container, stream = open_stream(path)
    with container, as_video_error(path, av.error.FFmpegError, OSError):
        packets = [Packet(p.pts, p.dts, p.is_keyframe, p.is_discard) for p in container.demux(stream) if p.size]
        frame_rate = float(stream.average_rate or 0)
        states_times = container.format.name != "avi"
    shown = _shown(packets)
    if not shown:
        raise VideoError("it has no frames", path)
    times, keyframes = _timetable(shown, states_times)
    return FrameIndex(len(shown), frame_rate, times, keyframes)


class Packet(NamedTuple):
    """One compressed frame, as the container describes it."""

    pts: int | None
    dts: int | None
    is_keyframe: bool
    is_discard: bool


def _shown(packets: list[Packet]) -> list[Packet]:
    """The packets that become frames: neither cut away by an edit list nor before anything can be decoded."""
    first = next((number for number, packet in enumerate(packets) if packet.is_keyframe), 0)
    return [packet for packet in packets[first:] if not packet.is_discard]


def _timetable(packets: list[Packet], states_times: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Times and keyframes in the order of display, or ``(), (0,)`` where times do not name frames.

    AVI states no times of display: what FFmpeg makes up for it is right only where decoding order is display order.
    """
    order = sorted((packet.pts, packet.is_keyframe) for packet in packets if packet.pts is not None)
    times = tuple(time for time, _ in order)
    named = len(set(times)) == len(packets)
    if not named or not (states_times or all(packet.pts == packet.dts for packet in packets)):
        return (), (0,)
    return times, (0, *(number for number, (_, is_keyframe) in enumerate(order) if is_keyframe and number))
