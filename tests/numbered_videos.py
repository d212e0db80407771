"""Small video files for tests, whose frames carry their number as a pattern of bright and dark bars."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from PIL import Image
from torch import Tensor

FRAMES = 20  # of each video of the shared collections
BITS = 8
BRIGHT, DARK = 210, 40


def number_bars(number: int, height: int, width: int) -> np.ndarray:
    """A picture ``(height, width, 3)`` of eight upright bars, the leftmost for the lowest bit of the number."""
    bits = (number >> np.arange(BITS)) & 1
    columns = np.arange(width) * BITS // width
    bars = np.where(bits[columns], BRIGHT, DARK).astype(np.uint8)
    return np.broadcast_to(bars[None, :, None], (height, width, 3)).copy()


def read_numbers(frames: Tensor) -> list[int]:
    """The numbers in frames ``(3, T, H, W)``, of any size."""
    *_, height, width = frames.shape
    centres = ((np.arange(BITS) + 0.5) * width / BITS).astype(int)
    bars = frames.float().mean(dim=0)[:, height // 4 : -height // 4].mean(dim=1)[:, centres]
    return [int(sum(1 << bit for bit in range(BITS) if row[bit] > (BRIGHT + DARK) / 2)) for row in bars.numpy()]


def write_numbered_video(
    path: Path,
    num_frames: int = 24,
    first: int = 0,
    size: tuple[int, int] = (32, 64),
    codec: str = "libx264",
    gop: int = 12,
    b_frames: int = 2,
    container_options: dict[str, str] | None = None,
    rotation: int = 0,
    encoder_options: dict[str, str] | None = None,
    durations: Sequence[int] | None = None,
) -> Path:
    """Encode a video whose frames carry the numbers ``first``, ``first + 1``, ...

    Each is shown for one 25th of a second, or for as many milliseconds as the next of ``durations``, which repeat.
    """
    height, width = size
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.gop_size, stream.max_b_frames, stream.thread_count = gop, b_frames, 1
        stream.bit_rate = 1_000_000
        stream.options = {"sc_threshold": "0"} | (encoder_options or {})  # keyframes at fixed distances, not at cuts
        if rotation:
            stream.set_display_rotation(rotation)
        if durations:
            stream.codec_context.time_base = Fraction(1, 1000)
        time = 0
        for number in range(first, first + num_frames):
            frame = av.VideoFrame.from_ndarray(number_bars(number, height, width), format="rgb24")
            if durations:
                frame.pts, frame.time_base = time, Fraction(1, 1000)
                time += durations[number % len(durations)]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_numbered_pictures(
    folder: Path, num_frames: int = 24, first: int = 0, size: tuple[int, int] = (32, 64), extension: str = ".jpg"
) -> Path:
    """Write a folder of pictures ``frame000001.jpg``, ... that carry the numbers ``first``, ``first + 1``, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for place in range(num_frames):
        picture = Image.fromarray(number_bars(first + place, *size))
        picture.save(folder / f"frame{place + 1:06}{extension}", quality=95)
    return folder


def copy_packets(
    source: Path,
    target: Path,
    shift: int = 0,
    drop_first: int = 0,
    freeze_time: bool = False,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Copy the packets of a video without decoding, with other times: what careless cutting does to files.

    Args:
        source: a video file.
        target: the copy.
        shift: frames to move the times by; moved before zero they are cut away by an edit list.
        drop_first: packets to leave out at the begin, so that the copy begins without a keyframe.
        freeze_time: give all packets the time zero.
        container_options: of the writer of the copy.
    """
    with av.open(str(source)) as original, av.open(str(target), "w", options=container_options or {}) as copy:
        stream = original.streams.video[0]
        twin = copy.add_stream_from_template(stream)
        packets = [packet for packet in original.demux(stream) if packet.size][drop_first:]
        for packet in packets:
            packet.pts += round(shift * packet.duration)
            packet.dts += round(shift * packet.duration)
            if freeze_time:
                packet.pts = packet.dts = packet.duration = 0
            packet.stream = twin
            copy.mux(packet)
    return target


def cut_off(source: Path, target: Path, share: float = 0.6) -> Path:
    """Copy the first bytes of a file, as an interrupted download does."""
    content = source.read_bytes()
    target.write_bytes(content[: int(len(content) * share)])
    return target


def write_audio(path: Path, cover: bool = False) -> Path:
    """A file that holds sound alone, or sound and a picture of its cover (MP3), which is stored as a video stream."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libmp3lame" if path.suffix == ".mp3" else "aac", rate=16000, layout="mono")
        if cover:
            picture: Any = container.add_stream("mjpeg", rate=25)
            picture.width, picture.height, picture.pix_fmt = 64, 32, "yuvj420p"
            picture.disposition = Disposition.attached_pic
            container.mux(picture.encode(av.VideoFrame.from_ndarray(number_bars(1, 32, 64), format="rgb24")))
            container.mux(picture.encode())
        for part in range(4):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16000, part * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
