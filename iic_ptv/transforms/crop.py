"""From decoded frames to network input: size, crop and value range."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iic_ptv.errors import InputError
from iic_ptv.transforms.clip import Draws, RandomTransform, batch_shape, check_clip, draw_integers

Size = int | tuple[int, int]  # a square's side, or (height, width), in pixels


def to_float(clip: Tensor) -> Tensor:
    """Bring a decoded clip of bytes 0..255 to floats in [0, 1]; a clip of floats passes unchanged."""
    return clip if clip.is_floating_point() else clip.to(torch.get_default_dtype()).div(255)


def resize(clip: Tensor, size: Size) -> Tensor:
    """Resize every frame to ``size``, whatever its aspect, bilinear and antialiased.

    Args:
        clip: ``(..., C, T, H, W)``, bytes or floats; a clip that already has the size passes unchanged.
        size: ``(height, width)`` or the side of a square.

    Returns:
        ``(..., C, T, height, width)`` of the clip's type and value range.
    """
    check_clip(clip)
    height_width = _pair(size)
    if clip.shape[-2:] == height_width:
        return clip
    frames = clip.reshape(-1, 1, *clip.shape[-2:])
    resized = F.interpolate(frames, size=height_width, mode="bilinear", antialias=True)
    return resized.reshape(*clip.shape[:-2], *height_width)


def center_crop(clip: Tensor, size: Size) -> Tensor:
    """Cut the middle ``size`` out of every frame; ``(..., C, T, H, W)`` to ``(..., C, T, height, width)``.

    Raises:
        InputError: the frames are smaller than the crop.
    """
    check_clip(clip)
    height, width = _pair(size)
    room = _room(clip, height, width)
    return clip[..., room[0] // 2 : room[0] // 2 + height, room[1] // 2 : room[1] // 2 + width]


def random_crop(clip: Tensor, size: Size, generator: Draws = None) -> Tensor:
    """Cut one window per clip, the same in all its frames.

    Args:
        clip: ``(..., C, T, H, W)``, any values.
        size: ``(height, width)`` of the window or the side of a square.
        generator: source of the draws; PyTorch's global one by default.

    Returns:
        ``(..., C, T, height, width)``.

    Raises:
        InputError: the frames are smaller than the crop.
    """
    check_clip(clip)
    height, width = _pair(size)
    room = _room(clip, height, width)
    top = draw_integers(clip, room[0] + 1, generator)
    left = draw_integers(clip, room[1] + 1, generator)
    if not batch_shape(clip):  # one clip: a slice needs no index tensors and copies nothing
        return clip[..., int(top) : int(top) + height, int(left) : int(left) + width]
    rows = top[..., None] + torch.arange(height, device=clip.device)
    columns = left[..., None] + torch.arange(width, device=clip.device)
    in_rows = clip.gather(-2, rows[..., None, None, :, None].expand(*clip.shape[:-2], height, clip.shape[-1]))
    return in_rows.gather(-1, columns[..., None, None, None, :].expand(*clip.shape[:-2], height, width))


def _pair(size: Size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def _room(clip: Tensor, height: int, width: int) -> tuple[int, int]:
    """How far a window of ``height`` x ``width`` can move down and right in the frames."""
    room = clip.shape[-2] - height, clip.shape[-1] - width
    if min(room) < 0:
        raise InputError(
            f"cannot cut {height} x {width} out of frames of {clip.shape[-2]} x {clip.shape[-1]}; resize them first."
        )
    return room


class ToFloat(nn.Module):
    """:func:`to_float` as a module."""

    def forward(self, clip: Tensor) -> Tensor:
        """Return the clip as floats in [0, 1]."""
        return to_float(clip)


class Resize(nn.Module):
    """:func:`resize` as a module."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = _pair(size)

    def forward(self, clip: Tensor) -> Tensor:
        """Return the clip with frames of ``size``."""
        return resize(clip, self.size)

    def extra_repr(self) -> str:
        """Show the option."""
        return f"size={self.size}"


class CenterCrop(Resize):
    """:func:`center_crop` as a module."""

    def forward(self, clip: Tensor) -> Tensor:
        """Return the middle of every frame."""
        return center_crop(clip, self.size)


class RandomCrop(Resize, RandomTransform):
    """:func:`random_crop` as a module."""

    def forward(self, clip: Tensor, generator: Draws = None) -> Tensor:
        """Return one window per clip."""
        return random_crop(clip, self.size, generator)
