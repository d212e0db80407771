"""What a video is, found out without decoding more than a picture."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise

from iic_ptv.data.decoding.frame_folder_reader import FrameFolderReader
from iic_ptv.data.decoding.frame_index import FrameIndex
from iic_ptv.data.decoding.pyav_reader import PyAVReader


@dataclass(frozen=True)
class VideoDescription:
    """What a video is.

    Attributes:
        num_frames: number of frames that a player would show.
        frame_rate: mean frames per second; 0 if the file does not tell.
        height: of the frames as they are displayed, in pixels.
        width: of the frames as they are displayed, in pixels.
        codec: FFmpeg's name of it, for example "h264"; of a folder, that of its first picture.
        gop: greatest distance of frames at which decoding can start; 1 for folders. Where it can start at the first
            frame alone, the number of frames.
    """

    num_frames: int
    frame_rate: float
    height: int
    width: int
    codec: str
    gop: int


def describe_video(path: str) -> VideoDescription:
    """Describe a video file or a folder of pictures.

    One picture is decoded: how a file is to be turned for display, FFmpeg tells only with a picture.

    Raises:
        VideoError: it cannot be read.
    """
    with FrameFolderReader(path) if os.path.isdir(path) else PyAVReader(path) as video:
        height, width = video.size
        return VideoDescription(
            video.num_frames, video.frame_rate, height, width, video.codec, longest_gop(video.index)
        )


def longest_gop(index: FrameIndex) -> int:
    """Greatest distance of frames at which decoding can start."""
    return max(following - keyframe for keyframe, following in pairwise([*index.keyframes, index.num_frames]))
