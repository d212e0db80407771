"""One video as an MP4 file that is made to be read at random."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from iic_ptv.data.decoding.reader import FrameSize
from iic_ptv.data.preparation.pictures import pictures, scaled_size
from iic_ptv.errors import InputError

FRAME_RATE = 25  # of videos that state none; an MP4 file cannot leave it out
# fastdecode does without CABAC and deblocking: files grow by 4 %, and clips are read in three quarters of the time.
# Presets slower than veryfast gain nothing on pictures as small as these.
OPTIONS = {"preset": "veryfast", "tune": "fastdecode", "bf": "0", "sc_threshold": "0"}


@dataclass(frozen=True)
class Encoding:
    """How videos are written.

    Attributes:
        short_side: pixels of the shorter side; 0 keeps the size. A smaller video stays as it is, but for even sides.
        upscale: make smaller videos larger, too.
        gop: frames from keyframe to keyframe.
        crf: x264's constant rate factor, 0 (lossless) to 51.

    The defaults come from reading random clips of 16 frames, 128 x 171, out of five prepared files of real video. With
    a GOP of 1, 4, 8, 16 or 32, a clip takes 3.8, 2.6, 2.5, 2.6 or 2.9 ms, and a frame 2.4, 1.5, 1.1, 0.9 or 0.7 kB; of
    the fastest, 8 also spares clips with large strides some of what lies between their frames. With a CRF of 18, 20 or
    23 a clip takes 2.6, 2.5 or 2.5 ms, a frame 1.4, 1.1 or 0.8 kB, and its peak signal-to-noise ratio is 36.2, 35.3 or
    33.9 dB.

    Raises:
        InputError: a value is out of range.
    """

    short_side: int = 128
    upscale: bool = False
    gop: int = 8
    crf: int = 20

    def __post_init__(self) -> None:
        ranges = {"short side": (self.short_side, 0, 8192), "GOP": (self.gop, 1, 10_000), "CRF": (self.crf, 0, 51)}
        for name, (value, lowest, highest) in ranges.items():
            if not lowest <= value <= highest:
                raise InputError(f"The {name} must be from {lowest} to {highest}, got {value}.")

    def size(self, height: int, width: int) -> FrameSize:
        """Height and width, both even, of a video of that size.

        Example:
            >>> Encoding(short_side=128).size(240, 320)
            (128, 170)
        """
        height, width = scaled_size(height, width, self.short_side, self.upscale)
        return max(height // 2 * 2, 2), max(width // 2 * 2, 2)


def transcode(source: str, target: Path, size: FrameSize, frame_rate: float, encoding: Encoding) -> int:
    """Write a video as MP4 (H.264, yuv420p), without sound: frame k of the source is frame k of the target.

    Frames are shown at even distances, as an uneven rate would make numbers of frames and times tell different things.

    Args:
        source: a video file, or a folder of frames.
        target: the file to write.
        size: height and width, even.
        frame_rate: frames per second; 0 for unknown.
        encoding: how to write it.

    Returns:
        The number of frames.

    Raises:
        VideoError: the source cannot be read.
        OSError: the target cannot be written.
    """
    num_frames, to_yuv = 0, VideoReformatter()
    with av.open(str(target), "w", format="mp4", options={"movflags": "faststart"}) as container:
        options = {**OPTIONS, "g": str(encoding.gop), "crf": str(encoding.crf)}
        rate = Fraction(frame_rate).limit_denominator(1001) or FRAME_RATE
        stream: Any = container.add_stream("libx264", rate=rate, options=options)
        stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
        stream.thread_count = 1  # files are encoded side by side instead
        for picture in pictures(source, size):
            pixels = picture.permute(1, 2, 0).contiguous().numpy()
            frame = VideoFrame.from_ndarray(pixels, format="rgb24")
            container.mux(stream.encode(to_yuv.reformat(frame, format="yuv420p", threads=1)))
            num_frames += 1
        container.mux(stream.encode())
    return num_frames
