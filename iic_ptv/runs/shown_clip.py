"""Clips for people to look at."""

from __future__ import annotations

from torch import Tensor

from iic_ptv.data.decoding import open_video

FRAMES = 16


def shown_clip(path: str) -> Tensor:
    """The first frames of a video, enough to see its motion: uint8 ``(3, T, H, W)``, T at most 16."""
    with open_video(path) as reader:
        return reader.frames(range(min(FRAMES, reader.num_frames)))
