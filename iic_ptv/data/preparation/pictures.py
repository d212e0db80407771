"""All frames of a video one after another, in constant memory."""

from __future__ import annotations

import os
from collections.abc import Iterator

from torch import Tensor

from iic_ptv.data.decoding import open_video
from iic_ptv.data.decoding.pyav_reader import PyAVReader
from iic_ptv.data.decoding.reader import FrameSize

FRAMES_AT_ONCE = 16  # of a folder of frames


def pictures(path: str, size: FrameSize | None = None) -> Iterator[Tensor]:
    """Yield the frames of a video as a reader's ``frames([0])``, ``frames([1])``, ... would, but decode each once.

    Args:
        path: a video file, or a folder of frames.
        size: ``(height, width)`` to scale to, as they are displayed; None keeps theirs.

    Yields:
        uint8 RGB ``(3, H, W)``.

    Raises:
        VideoError: a frame cannot be decoded.
    """
    if not os.path.isdir(path):
        with PyAVReader(path) as video:
            yield from video.pictures(size)
        return
    with open_video(path) as folder:
        for start in range(0, folder.num_frames, FRAMES_AT_ONCE):
            numbers = range(start, min(start + FRAMES_AT_ONCE, folder.num_frames))
            yield from folder.frames(numbers, size).unbind(dim=1)


def scaled_size(height: int, width: int, short_side: int, upscale: bool = False) -> FrameSize:
    """Height and width with the shorter side brought to ``short_side``; a smaller one only if it may be made larger.

    Example:
        >>> scaled_size(240, 320, short_side=128)
        (128, 171)
    """
    scale = short_side / min(height, width) if short_side else 1.0
    if not upscale:
        scale = min(scale, 1.0)
    return max(round(height * scale), 1), max(round(width * scale), 1)
