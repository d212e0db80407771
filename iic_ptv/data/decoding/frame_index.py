"""What a video file tells of its frames without decoding them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from operator import sub

import av.error
from av.video.stream import VideoStream

from iic_ptv.data.decoding.errors import VideoError, as_video_error
from iic_ptv.data.decoding.packet_table import PacketTable, read_packet_table
from iic_ptv.data.decoding.streams import OpenVideo

ASSUMED_RATE = 25.0  # frames per second of what tells neither times nor a rate, as folders of pictures
HIGHEST_RATE = 240.0  # frames per second; what a file states beyond it is rarely so
ROUNDING = 1e-6  # seconds, more than a time that was computed can be off
PLACEHOLDER_SIZE = 1  # bytes of the packets that stand for no frame in AVI files of some editors


@dataclass(frozen=True)
class FrameIndex:
    """The frames of a video in the order in which they are shown.

    Attributes:
        num_frames: how many there are.
        frame_rate: mean frames per second; 0 if the file does not tell.
        times: when each is shown, in units of the stream's time base. Empty if the times of the file do not name
            every frame once.
        decoded_at: for AVI files, which have no times of display: when each packet is decoded. Empty for others, and
            where too little is known of the decoder. Where there are neither times nor these, a frame is found only by
            counting from the first.
        keyframes: numbers of the frames from which decoding can start.
        reorder_depth: by how many frames decoding is ahead of display at most; 0 without B-frames.
        closed_gops: whether no frame that is decoded after a keyframe is shown before it.
        time_base: seconds of a unit of ``times``.
    """

    num_frames: int
    frame_rate: float
    times: list[int] = field(default_factory=list)
    decoded_at: list[int] = field(default_factory=list)
    keyframes: list[int] = field(default_factory=lambda: [0])
    reorder_depth: int = 0
    closed_gops: bool = True
    time_base: float = 0.0

    @property
    def seekable(self) -> bool:
        """Whether the times of the file name its frames."""
        return bool(self.times)

    @property
    def releases(self) -> list[int | None]:
        """For AVI files: when the packet is decoded that makes the decoder give each frame out.

        With B-frames, MPEG-4's decoder holds frames to which others refer until the next of these comes, and gives
        B-frames out at once: frame i comes out with packet i + 1, whichever frame that holds, and the last one when no
        packet is left (None).
        """
        return [*self.decoded_at[self.reorder_depth :], *[None] * self.reorder_depth] if self.decoded_at else []

    def keyframe_before(self, frame: int) -> int:
        """The last keyframe that is not after ``frame``."""
        return self.keyframes[bisect_right(self.keyframes, frame) - 1]

    def seconds(self, frame: int) -> float:
        """When a frame is shown, counted from the first.

        Where the file does not tell, its mean rate does; where it has none either, or one that cannot be, as files
        whose times are all alike have, 25 frames per second are assumed.
        """
        if self.times:
            return (self.times[frame] - self.times[0]) * self.time_base
        return frame / self._credible_rate

    def frame_at(self, seconds: float) -> int:
        """The frame that is shown at a time; before the first that one, after the last the last."""
        return max(bisect_right(range(self.num_frames), seconds + ROUNDING, key=self.seconds) - 1, 0)

    @property
    def duration(self) -> float:
        """Seconds from the first frame to the end of the last, which is shown as long as the mean of the others."""
        if self.num_frames == 1:
            return 1 / self._credible_rate
        return self.seconds(self.num_frames - 1) * self.num_frames / (self.num_frames - 1)

    @property
    def _credible_rate(self) -> float:
        return self.frame_rate if 0 < self.frame_rate <= HIGHEST_RATE else ASSUMED_RATE


def index_frames(video: OpenVideo) -> FrameIndex:
    """The frame index of a file that was just opened; afterwards it stands anywhere.

    Raises:
        VideoError: it is cut off, or has no frames.
    """
    with as_video_error(video.path, av.error.FFmpegError, OSError):
        packets = read_packet_table(video)
        frame_rate = float(video.stream.average_rate or 0)
        time_base = float(video.stream.time_base or 0)
    if not packets.sizes:
        raise VideoError("it has no frames", video.path)
    index = (
        _index_avi(packets, frame_rate, time_base, video.stream)
        if video.is_avi
        else _index_shown(packets, frame_rate, time_base)
    )
    return index or FrameIndex(len(packets.sizes), frame_rate)


def _index_shown(packets: PacketTable, frame_rate: float, time_base: float) -> FrameIndex | None:
    """The index of frames that are named by times of display, if they are."""
    order = sorted(range(len(packets.shown_at)), key=packets.shown_at.__getitem__)
    times = [packets.shown_at[number] for number in order]
    if not times or len({*times}) < len(times):
        return None
    is_keyframe = {*packets.keyframes}
    keyframes = [number for number, packet in enumerate(order) if packet in is_keyframe]
    return FrameIndex(
        num_frames=len(times),
        frame_rate=frame_rate,
        times=times,
        keyframes=_from_zero(keyframes),
        reorder_depth=max(map(sub, order, range(len(order)))),
        closed_gops=keyframes == packets.keyframes,
        time_base=time_base,
    )


def _index_avi(packets: PacketTable, frame_rate: float, time_base: float, stream: VideoStream) -> FrameIndex | None:
    """The index of frames of an AVI file, if it is known how far behind its packets the decoder is."""
    depth = stream.codec_context.reorder_depth
    if depth > 1 or (depth and stream.codec_context.name != "mpeg4") or min(packets.sizes) <= PLACEHOLDER_SIZE:
        return None
    if not packets.decoded_at or packets.decoded_at != sorted({*packets.decoded_at}):
        return None
    return FrameIndex(
        num_frames=len(packets.sizes),
        frame_rate=frame_rate,
        times=[] if depth else packets.decoded_at,
        decoded_at=packets.decoded_at,
        keyframes=_from_zero(packets.keyframes),
        reorder_depth=depth,
        time_base=time_base,
    )


def _from_zero(keyframes: list[int]) -> list[int]:
    """The numbers of keyframes; the first frame is one of them, whatever the file says."""
    return keyframes if keyframes and keyframes[0] == 0 else [0, *keyframes]
