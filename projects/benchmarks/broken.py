"""Videos that cannot be read, broken in every way that is met with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import av
import numpy as np

ARRIVED = 0.6  # of an interrupted download


def write_broken(folder: Path, good: Path) -> dict[str, Path]:
    """Write one broken video of every kind into a folder.

    Args:
        folder: where to write.
        good: a video, to be cut off.

    Returns:
        Paths by what is wrong with them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = good.read_bytes()
    files = {
        "zero bytes": b"",
        "cut off": content[: int(len(content) * ARRIVED)],
        "text": b"This is not a video.\n" * 100,
    }
    broken = {}
    for kind, data in files.items():
        broken[kind] = folder / f"broken_{kind.replace(' ', '_')}.mp4"
        broken[kind].write_bytes(data)
    broken["sound alone"] = _write_sound(folder / "broken_sound.mp4")
    broken["hanging"] = _write_hanging(folder / "broken_hanging")
    return broken


def _write_sound(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("aac", rate=16000, layout="mono")
        for part in range(16):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16000, part * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _write_hanging(folder: Path) -> Path:
    """A folder of frames that are pipes into which nobody writes: opening one never ends, as on a dead network disk."""
    folder.mkdir()
    for number in range(1, 25):
        os.mkfifo(folder / f"frame{number:06}.jpg")
    return folder
