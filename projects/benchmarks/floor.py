"""The least that a reader has to do for a clip: decode. Nothing is converted to RGB, scaled, copied or kept.

Two floors: decoding all frames from the keyframe before the clip to its last; and leaving out those before the clip to
which no other frame refers (half of the B-frames of x264), the least that gives the same pixels.

Opening the file, finding the keyframe and reading the compressed frames come first, out of the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
from av.container import InputContainer
from av.packet import Packet

from projects.benchmarks.videos import FRAME_RATE


@dataclass(frozen=True)
class Undecoded:
    """The compressed frames from the keyframe before a clip to its last, in the order in which they are decoded.

    Attributes:
        container: the open file.
        packets: the compressed frames.
        clip: times of the frames of the clip.
    """

    container: InputContainer
    packets: list[Packet]
    clip: frozenset[int]


def read_packets(path: Path, gop: int, start: int, length: int) -> Undecoded:
    """Read what the ``length`` frames from ``start`` on take, of a video with a keyframe every ``gop`` frames."""
    container = av.open(str(path))
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 1
    stream.codec_context.open()

    def time_of(frame: int) -> int:
        return round(frame / FRAME_RATE / stream.time_base) + (stream.start_time or 0)

    clip = frozenset(time_of(frame) for frame in range(start, start + length))
    container.seek(time_of(start - start % gop), stream=stream)
    packets, missing = [], set(clip)
    for packet in container.demux(stream):
        packets.append(packet)
        missing.discard(packet.pts)
        if not missing:
            break
    return Undecoded(container, packets, clip)


def decode_all(undecoded: Undecoded) -> list[int | None]:
    """Decode all frames on one thread, and return their times."""
    return _decode(undecoded, skipped="DEFAULT")


def decode_needed(undecoded: Undecoded) -> list[int | None]:
    """Decode the frames of the clip and those to which others refer, on one thread, and return their times."""
    return _decode(undecoded, skipped="NONREF")


def _decode(undecoded: Undecoded, skipped: Literal["DEFAULT", "NONREF"]) -> list[int | None]:
    """Decode, leaving out frames of a kind that are not of the clip."""
    context = undecoded.container.streams.video[0].codec_context
    times = []
    for packet in undecoded.packets:
        context.skip_frame = "DEFAULT" if packet.pts in undecoded.clip else skipped
        times += [frame.pts for frame in packet.decode()]
    return times + [frame.pts for frame in context.decode(None)]
