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
    """

    num_frames: int
    frame_rate: float
    times: list[int] = field(default_factory=list)
    decoded_at: list[int] = field(default_factory=list)
    keyframes: list[int] = field(default_factory=lambda: [0])
    reorder_depth: int = 0
    closed_gops: bool = True

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


def index_frames(video: OpenVideo) -> FrameIndex:
    """The frame index of a file that was just opened; afterwards it stands anywhere.

    Raises:
        VideoError: it is cut off, or has no frames.
    """
    with as_video_error(video.path, av.error.FFmpegError, OSError):
        packets = read_packet_table(video)
        frame_rate = float(video.stream.average_rate or 0)
    if not packets.sizes:
        raise VideoError("it has no frames", video.path)
    index = _index_avi(packets, frame_rate, video.stream) if video.is_avi else _index_shown(packets, frame_rate)
    return index or FrameIndex(len(packets.sizes), frame_rate)


def _index_shown(packets: PacketTable, frame_rate: float) -> FrameIndex | None:
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
    )


def _index_avi(packets: PacketTable, frame_rate: float, stream: VideoStream) -> FrameIndex | None:
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
    )


def _from_zero(keyframes: list[int]) -> list[int]:
    """The numbers of keyframes; the first frame is one of them, whatever the file says."""
    return keyframes if keyframes and keyframes[0] == 0 else [0, *keyframes]
