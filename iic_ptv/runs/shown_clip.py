"""Clips for people to look at."""

from __future__ import annotations

import torch
from torch import Tensor

from iic_ptv.data.decoding import open_video
from iic_ptv.data.procedural.scene_clips import is_scene, scene_seed
from iic_ptv.data.procedural.scenes import render_scenes

FRAMES = 16
SCENE_SIZE = 112  # pixels


def shown_clip(path: str) -> Tensor:
    """The first frames of a video or scene, enough to see its motion: uint8 ``(3, T, H, W)``, T at most 16."""
    if is_scene(path):
        (clip,) = render_scenes(scene_seed(path)[None], times=torch.arange(float(FRAMES)), size=SCENE_SIZE)
        return clip.mul(255).round().byte()
    with open_video(path) as reader:
        return reader.frames(range(min(FRAMES, reader.num_frames)))
