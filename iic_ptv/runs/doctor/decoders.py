"""Which decoders work: each is given a tiny rendered video, and must give back its frames."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from pathlib import Path

from iic_ptv.errors import InputError
from iic_ptv.runs.doctor.examine import first_line
from iic_ptv.runs.doctor.finding import Finding, State

FRAMES, SIZE = 6, 32  # of the video
BRIGHTNESS_STEP = 40  # from one frame to the next; far more than compression changes
PURPOSES = {
    "pyav": "what DATA.DECODER auto takes",
    "decord": "DATA.DECODER decord",
    "torchcodec": "DATA.DECODER torchcodec",
    "frames": "folders of pictures",
}
ALWAYS_USED = ("pyav", "frames")
PACKAGES = {"decord": "decord", "torchcodec": "iic-ptv[torchcodec]"}


def try_decoder(decoder: str) -> list[Finding]:
    """Read a rendered video, frame by frame in reversed order, and tell whether these are its frames."""
    from iic_ptv.data.decoding import open_video

    failure = State.BROKEN if decoder in ALWAYS_USED else State.NOTE
    if decoder in PACKAGES and importlib.util.find_spec(decoder) is None:
        mend = f'pip install "{PACKAGES[decoder]}"'
        return [Finding(decoder, State.ABSENT, f"not installed; {PURPOSES[decoder]}", mend)]
    with tempfile.TemporaryDirectory() as folder:
        path = write_frames(folder) if decoder == "frames" else write_video(folder)
        try:
            with open_video(path, decoder) as video:
                frames = video.frames(range(FRAMES)[::-1])
        except InputError as error:
            return [Finding(decoder, failure, first_line(error), "use DATA.DECODER auto")]
    brightness = frames.float().mean((0, 2, 3)).tolist()
    if any(abs(found - BRIGHTNESS_STEP * n) > BRIGHTNESS_STEP / 2 for n, found in enumerate(reversed(brightness))):
        return [Finding(decoder, failure, "it gives out other frames than asked for", "use DATA.DECODER auto")]
    return [Finding(decoder, State.FINE, f"reads a rendered video rightly; {PURPOSES[decoder]}")]


def write_video(folder: str) -> str:
    """A video without sound in which every frame is brighter than the one before."""
    import torch

    from iic_ptv.data.procedural.mp4 import write_mp4

    path = Path(folder) / "video.mp4"
    brightness = torch.arange(FRAMES, dtype=torch.uint8) * BRIGHTNESS_STEP
    write_mp4(path, brightness[:, None, None, None].expand(FRAMES, SIZE, SIZE, 3).contiguous(), frame_rate=8)
    return str(path)


def write_frames(folder: str) -> str:
    """The same as a folder of pictures."""
    from PIL import Image

    for number in range(FRAMES):
        grey = (BRIGHTNESS_STEP * number,) * 3
        Image.new("RGB", (SIZE, SIZE), grey).save(os.path.join(folder, f"frame{number + 1:06d}.jpg"))
    return folder
