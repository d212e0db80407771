"""A pytest plug-in for PyTorchVideo's own tests: writes the videos that they read, as older versions did.

The tests make their videos with ``torchvision.io.write_video``, which current torchvision lacks and older ones break on
current PyAV, and with options of PyAV that it no longer takes. This mends the tests, not PyTorchVideo; that is what
``-p iic_ptv`` does.

In a checkout of PyTorchVideo::

    PYTHONPATH=path/to/iic_ptv pytest -p iic_ptv -p projects.pytorchvideo.published_tests tests
"""

from __future__ import annotations

import sys
from fractions import Fraction
from typing import Any

import av
import torchvision.io
from torch import Tensor


def write_video(filename: str, video: Tensor, fps: int, video_codec: str, options: dict[str, str]) -> None:
    """Encode frames ``(T, H, W, 3)``, bytes."""
    with av.open(filename, "w") as container:
        stream = _video_stream(container, video, fps, video_codec, options)
        _mux(container, stream, (av.VideoFrame.from_ndarray(frame.numpy(), format="rgb24") for frame in video))


def write_audio_video(path: str, video: Tensor, audio: Tensor, fps: int = 30, audio_rate: int = 48000) -> None:
    """Encode frames ``(T, H, W, 3)`` and one row of interleaved stereo samples ``(1, N)``, both without loss."""
    with av.open(path, "w") as container:
        stream = _video_stream(container, video, fps, "libx264rgb", {"crf": "0"})
        sound: Any = container.add_stream("flac", rate=audio_rate, layout="stereo")
        frame = av.AudioFrame.from_ndarray(audio.numpy().astype("<i2"), format="s16", layout="stereo")
        frame.rate, frame.time_base, frame.pts = audio_rate, Fraction(1, audio_rate), 0
        _mux(container, stream, (av.VideoFrame.from_ndarray(each.numpy(), format="rgb24") for each in video))
        _mux(container, sound, [frame])


def pytest_configure() -> None:
    """Let torchvision write videos."""
    torchvision.io.write_video = write_video


def pytest_collection_modifyitems() -> None:
    """Replace what the tests' helper writes with PyAV's former options."""
    helper: Any = sys.modules.get("utils")
    if helper is not None:
        helper.write_audio_video = write_audio_video


def _video_stream(container: Any, video: Tensor, fps: int, codec: str, options: dict[str, str]) -> Any:
    stream = container.add_stream(codec, rate=fps, options=options)
    stream.height, stream.width = video.shape[1:3]
    stream.pix_fmt = "rgb24"
    return stream


def _mux(container: Any, stream: Any, frames: Any) -> None:
    for frame in [*frames, None]:
        for packet in stream.encode(frame):
            container.mux(packet)
