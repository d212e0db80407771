"""Encode a rendered video as an H.264 MP4 file."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

# Near-lossless to the eye, and a decoder reaches any frame after 8 at most. With x264's macroblock tree the same
# small frames would now and then give other bytes.
ENCODER_OPTIONS = {"crf": "18", "preset": "veryfast", "g": "8", "x264-params": "mbtree=0"}


def write_mp4(path: Path, video: Tensor, frame_rate: int) -> None:
    """Write a video as MP4 (H.264, yuv420p).

    Args:
        path: the file; an existing one is overwritten.
        video: uint8 ``(T, H, W, 3)``, RGB, on the CPU; height and width even.
        frame_rate: frames per second.
    """
    import av

    _, height, width, _ = video.shape
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=frame_rate, options=ENCODER_OPTIONS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.thread_count = 1  # files are encoded side by side instead
        for frame in video.numpy():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
