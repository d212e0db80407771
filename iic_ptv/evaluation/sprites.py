"""Clips as small images that a page can show as a film strip, and play."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from iic_ptv.errors import InputError

FRAMES = 8
HEIGHT = 112
QUALITY = 82


@dataclass(frozen=True)
class Sprite:
    """The frames of a clip side by side in one image.

    Attributes:
        uri: the image, WebP, as a ``data:`` URI.
        frames: how many frames it holds.
        aspect: width over height of a frame.
    """

    uri: str
    frames: int
    aspect: float


@dataclass(frozen=True)
class Strip:
    """The same as a picture.

    Attributes:
        image: the frames side by side.
        frames: how many.
    """

    image: Image.Image
    frames: int


def film_strip_sprite(clip: Tensor, max_frames: int = FRAMES) -> Sprite:
    """Lay evenly spaced frames of a clip side by side, for a page.

    Args:
        clip: ``(3, T, H, W)``, float in [0, 1] or uint8 in 0..255. Frames higher than 112 pixels are scaled down.
        max_frames: how many to show at most.

    Raises:
        InputError: ``clip`` is no RGB clip.
    """
    strip = strip_of_frames(clip, max_frames)
    buffer = io.BytesIO()
    strip.image.save(buffer, "WEBP", quality=QUALITY, method=6)
    uri = "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
    return Sprite(uri, strip.frames, aspect=strip.image.width / strip.frames / strip.image.height)


def strip_of_frames(clip: Tensor, max_frames: int = FRAMES) -> Strip:
    """Lay evenly spaced frames of a clip side by side; see :func:`film_strip_sprite`."""
    if clip.ndim != 4 or clip.shape[0] != 3 or 0 in clip.shape:
        raise InputError(f"A film strip needs an RGB clip of shape (3, T, H, W), got {tuple(clip.shape)}.")
    if clip.is_floating_point():
        clip = (clip.clamp(0, 1) * 255).round()
    shown = torch.linspace(0, clip.shape[1] - 1, min(max_frames, clip.shape[1])).round().long()
    frames = [Image.fromarray(frame.numpy()) for frame in clip[:, shown].byte().cpu().permute(1, 2, 3, 0).contiguous()]
    for frame in frames:
        frame.thumbnail((10 * HEIGHT, HEIGHT))
    width, height = frames[0].size
    strip = Image.new("RGB", (width * len(frames), height))
    for position, frame in enumerate(frames):
        strip.paste(frame, (position * width, 0))
    return Strip(strip, len(frames))
