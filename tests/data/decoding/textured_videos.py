"""Small videos in which every frame differs from every other everywhere, encoded in many ways.

A frame that is predicted from a wrong one shows it, which it would not in pictures of bars.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

NUM_FRAMES = 50
SIZE = 48, 64


def x264(**options: str) -> dict[str, Any]:
    return {"codec": "libx264", "options": {"sc_threshold": "0", "g": "12", **options}}


def x265(parameters: str) -> dict[str, Any]:
    return {"codec": "libx265", "options": {"x265-params": f"log-level=none:keyint=15:{parameters}"}}


def mpeg(codec: str, b_frames: int, **options: str) -> dict[str, Any]:
    return {"codec": codec, "options": {"g": "12", "bf": str(b_frames), "b": "400k", **options}}


ENCODINGS: dict[str, dict[str, Any]] = {
    "long_gop.mp4": x264(g="250"),
    "short_gop.mp4": x264(),
    "no_b_frames.mp4": x264(bf="0"),
    "keyframes_only.mp4": x264(g="1"),
    "b_pyramid.mp4": x264(g="25", bf="6", **{"x264-params": "b-pyramid=2:b-adapt=0:ref=4"}),
    "strict_pyramid.mp4": x264(g="25", bf="5", **{"x264-params": "b-pyramid=1:b-adapt=0"}),
    "open_gop.mp4": x264(**{"x264-params": "open-gop=1:bframes=3"}),
    "open_gop.mkv": x264(**{"x264-params": "open-gop=1:bframes=3"}),
    "intra_refresh.mp4": x264(g="20", **{"x264-params": "intra-refresh=1"}),
    "variable_rate.mp4": x264() | {"variable_rate": True},
    "variable_rate.mkv": x264() | {"variable_rate": True},
    "fragmented.mp4": x264() | {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "partly_fragmented.mp4": x264() | {"container_options": {"movflags": "frag_keyframe"}},
    "negative_offsets.mp4": x264() | {"container_options": {"movflags": "negative_cts_offsets"}},
    "with_sound.mp4": x264() | {"sound": True},
    "quicktime.mov": x264(),
    "transport.ts": x264(),
    "flash.flv": x264(),
    "raw.h264": x264(),
    "h264.avi": x264(),
    "h264_no_b_frames.avi": x264(bf="0"),
    "hevc.mp4": x265("open-gop=0:bframes=4"),
    "hevc_open_gop.mp4": x265("open-gop=1:bframes=4"),
    "hevc_layers.mp4": x265("bframes=4:b-adapt=0:temporal-layers=3"),
    "mpeg4.avi": mpeg("mpeg4", 0),
    "mpeg4_b_frames.avi": mpeg("mpeg4", 2),
    "mpeg4_b_frames.mp4": mpeg("mpeg4", 2),
    "mpeg4_b_frames.mkv": mpeg("mpeg4", 2),
    "msmpeg4.avi": mpeg("msmpeg4", 0),
    "mpeg2.mp4": mpeg("mpeg2video", 2),
    "mpeg2.mpg": mpeg("mpeg2video", 2),
    "mpeg2.avi": mpeg("mpeg2video", 2),
    "mpeg1.mpg": mpeg("mpeg1video", 2),
    "vp8.webm": {
        "codec": "libvpx",
        "options": {"g": "15", "auto-alt-ref": "1", "lag-in-frames": "12", "cpu-used": "8"},
    },
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"g": "15", "cpu-used": "8"}},
    "mjpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
}


def textured_picture(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A picture ``(height, width, 3)`` of soft waves that move, and a grain of its own."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    phases = np.array([0.0, 2.0, 4.0]) + 0.3 * number
    waves = np.sin(rows[..., None] / 6 + phases) * np.cos(columns[..., None] / 9 - 0.19 * number)
    grain = np.random.default_rng(number).normal(0, 6, (*size, 1))
    return (128 + 80 * waves + grain).clip(0, 255).astype(np.uint8)


def write_textured_video(
    path: Path,
    codec: str,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    pixels: str = "yuv420p",
    size: tuple[int, int] = SIZE,
    num_frames: int = NUM_FRAMES,
    variable_rate: bool = False,
    sound: bool = False,
) -> Path:
    """Encode a video of textured pictures at 25 frames per second."""
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream: Any = container.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width = size
        stream.pix_fmt, stream.thread_count = pixels, 1
        if variable_rate:
            stream.codec_context.time_base = Fraction(1, 1000)
        voice: Any = container.add_stream("aac", rate=16000, layout="mono") if sound else None
        for number in range(num_frames):
            frame = av.VideoFrame.from_ndarray(textured_picture(number, size), format="rgb24")
            if variable_rate:
                frame.pts, frame.time_base = 40 * number + (number * number) % 37, Fraction(1, 1000)
            container.mux(stream.encode(frame))
            if voice is not None:
                part = av.AudioFrame.from_ndarray(np.zeros((1, 640), np.float32), format="fltp", layout="mono")
                part.sample_rate, part.pts = 16000, 640 * number
                container.mux(voice.encode(part))
        for each in (stream, voice):
            if each is not None:
                container.mux(each.encode())
    return path
