"""Frames out of video files and folders of pictures: one protocol, several decoders.

Example:
    >>> from iic_ptv.data.decoding import open_video
    >>> with open_video("clip.mp4") as video:  # doctest: +SKIP
    ...     clip = video.frames(range(16), size=(128, 171))  # uint8, (3, 16, 128, 171)
"""

from iic_ptv.data.decoding.description import VideoDescription, describe_video
from iic_ptv.data.decoding.errors import VideoError
from iic_ptv.data.decoding.opening import DECODERS, open_video
from iic_ptv.data.decoding.reader import VideoReader
from iic_ptv.data.decoding.time_limit import time_limit

__all__ = ["DECODERS", "VideoDescription", "VideoError", "VideoReader", "describe_video", "open_video", "time_limit"]
