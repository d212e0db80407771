"""When the frames of an MP4 or QuickTime file are shown, without reading the frames.

FFmpeg's index of such a file tells when each frame is decoded. How much later it is shown stands in a table of the
file, ``ctts``, that FFmpeg does not hand out (ISO/IEC 14496-12, 8.6.1.3).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO


def display_delays(path: str, track: int, num_frames: int) -> list[int]:
    """Time of display minus time of decoding of each frame, in the order of decoding, up to a constant.

    Args:
        path: the file.
        track: number of the track, FFmpeg's ``stream.id``.
        num_frames: how many frames there are.

    Returns:
        A delay for each frame in units of the track's time base, or nothing if the file does not tell.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            tables = _inner(_track(_movie_header(file), track), "mdia", "minf", "stbl")
        if struct.unpack_from(">I", _inner(tables, "stsz"), 8) != (num_frames,):
            return []  # the others are described elsewhere, with the fragments of the file
        table = next(_boxes(tables, "ctts"), None)
        if table is None:
            return [0] * num_frames
        (num_runs,) = struct.unpack_from(">I", table, 4)
        runs = [*struct.iter_unpack(">Ii", table[8 : 8 + 8 * num_runs])]
    except (struct.error, ValueError, StopIteration):
        return []
    if sum(length for length, _ in runs) != num_frames:
        return []
    return [delay for length, delay in runs for _ in range(length)]


def _movie_header(file: BinaryIO) -> memoryview:
    """The body of the box ``moov``, which describes all tracks."""
    position = 0
    while True:
        file.seek(position)
        size, kind, large_size = struct.unpack(">I4sQ", file.read(16))
        if kind == b"moov":
            file.seek(position)
            return next(_boxes(memoryview(file.read(size)), "moov"))
        if size == 1:
            size = large_size
        if size < 8:
            raise ValueError("the last box, or damage")
        position += size


def _track(header: memoryview, number: int) -> memoryview:
    """The body of the track of that number."""
    for track in _boxes(header, "trak"):
        about = _inner(track, "tkhd")
        (track_number,) = struct.unpack_from(">I", about, 20 if about[0] else 12)  # version 1 has longer dates
        if track_number == number:
            return track
    raise ValueError("no such track")


def _inner(body: memoryview, *kinds: str) -> memoryview:
    """The body of the first box of the first kind in it, of the first of the second kind in that, and so on."""
    for kind in kinds:
        body = next(_boxes(body, kind))
    return body


def _boxes(body: memoryview, wanted: str) -> Iterator[memoryview]:
    """The bodies of the boxes of a kind that lie side by side in a body."""
    while len(body) >= 8:
        size, kind = struct.unpack_from(">I4s", body)
        if not 8 <= size <= len(body):
            raise ValueError("a box that reaches out of its own")
        if kind == wanted.encode():
            yield body[8:size]
        body = body[size:]
