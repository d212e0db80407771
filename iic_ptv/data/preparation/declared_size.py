"""How long a video file says it is: one that is shorter was cut off, though decoders may read what is left of it."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

from iic_ptv.data.decoding import VideoError

EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"  # the two outermost elements of Matroska and WebM files


PADDING = 8  # bytes that some programs count at the end of a file and do not write


def check_whole(path: str) -> None:
    """Refuse a file that was cut off; of AVI and Matroska files, decoders read what is left without a word.

    Raises:
        VideoError: it was.
    """
    if not os.path.isfile(path):
        return
    size, declared = os.path.getsize(path), declared_size(path)
    if size < declared - PADDING:
        raise VideoError(f"it is cut off: {size} of {declared} bytes are there", path)


def declared_size(path: str) -> int:
    """Bytes that a file should have by its own account; 0 if it gives none, as formats made for streaming do.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb", buffering=0) as file:
        begin = file.read(12)
        file.seek(0)
        try:
            if begin[:4] == b"RIFF":
                return 8 + int(struct.unpack("<I", begin[4:8])[0])
            if begin[:4] == EBML:
                return _matroska_size(file)
            if begin[4:8] == b"ftyp":
                return _mp4_size(file)
        except struct.error:
            pass  # it ends within its first bytes
    return 0


def _matroska_size(file: BinaryIO) -> int:
    """The end of the segment, which follows the header and holds all else."""
    for wanted in (EBML, SEGMENT):
        identity, size = file.read(4), _variable_length_integer(file)
        if identity != wanted or size is None:
            return 0
        end = file.seek(size, 1)
    return end


def _variable_length_integer(file: BinaryIO) -> int | None:
    """A number whose first byte begins with as many zeros as bytes follow; None if all its digits are 1: unknown."""
    (first,) = struct.unpack("B", file.read(1))
    length = 8 - first.bit_length()
    digits = first & ~(128 >> length)
    for (byte,) in struct.iter_unpack("B", file.read(length)):
        digits = digits << 8 | byte
    return None if digits == 2 ** (7 * (length + 1)) - 1 else digits


def _mp4_size(file: BinaryIO) -> int:
    """The end of the last of the outermost boxes, each of which tells its size."""
    end = 0
    while len(header := file.read(16)) >= 8:
        size, kind = struct.unpack_from(">I4s", header)
        if size == 1:
            (size,) = struct.unpack_from(">Q", header, 8)
        if size < 8 or not kind.isalnum():
            break  # it reaches to the end of the file, or there is something else behind the boxes
        end = file.seek(end + size)
    return end
