"""Decoded frames as planar RGB, which is what clips are made of."""

from __future__ import annotations

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from iic_ptv.data.decoding.reader import FrameSize

CHANNELS = 1, 2, 0  # FFmpeg stores green, blue, red
BILINEAR = int(Interpolation.BILINEAR)  # over all source pixels that a scaled one covers
SAFE_WIDTH = 16  # without scaling, FFmpeg's conversion to planes can leave the ends of rows of other multiples empty


class PlanarRGB:
    """Converts frames of one video to upright planes of red, green and blue.

    FFmpeg makes planes faster than pixels of three bytes, interpolates their colours at full resolution where it
    scales, and they go into a clip as they are.
    """

    def __init__(self) -> None:
        self._to_planes = VideoReformatter()
        self._to_pixels = VideoReformatter()

    def write(self, frame: VideoFrame, picture: NDArray[np.uint8]) -> None:
        """Write a frame into ``picture``, uint8 RGB ``(3, H, W)``, scaled to its size."""
        turns = _quarter_turns(frame)
        if turns:
            picture = np.rot90(picture, -turns, axes=(1, 2))  # a view, which lies as the frame does
        _, height, width = picture.shape
        if width % SAFE_WIDTH and (height, width) == (frame.height, frame.width):
            frame = self._to_pixels.reformat(frame, format="rgb24", interpolation=BILINEAR, threads=1)
        planar = self._to_planes.reformat(frame, width, height, "gbrp", interpolation=BILINEAR, threads=1)
        for channel, plane in zip(CHANNELS, planar.planes, strict=True):
            picture[channel] = np.frombuffer(memoryview(plane), np.uint8).reshape(height, plane.line_size)[:, :width]


def displayed_size(frame: VideoFrame) -> FrameSize:
    """Height and width of a frame once it is upright."""
    return (frame.width, frame.height) if _quarter_turns(frame) % 2 else (frame.height, frame.width)


def _quarter_turns(frame: VideoFrame) -> int:
    """Counter-clockwise quarter turns that bring a frame upright, 0 to 3."""
    return int(frame.rotation // 90 % 4)
