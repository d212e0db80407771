"""Frames out of video files: one protocol, several decoders.

Example:
    >>> from iic_ptv.data.decoding import open_video
    >>> with open_video("clip.mp4") as video:  # doctest: +SKIP
    ...     clip = video.frames(range(16), size=(128, 171))  # uint8, (3, 16, 128, 171)
"""

from iic_ptv.data.decoding.errors import VideoError
from iic_ptv.data.decoding.opening import DECODERS, open_video
from iic_ptv.data.decoding.reader import VideoReader

__all__ = ["DECODERS", "VideoError", "VideoReader", "open_video"]
