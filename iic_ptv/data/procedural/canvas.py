"""Painting a batch of scenes from front to back, each thing as flat colours times weights.

What is in front takes its share of a pixel first and leaves less of it to what is behind. A texture is two flat
colours, each with its weight, so that one operation paints everything.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Planes(NamedTuple):
    """Sums of a function of the column and a function of the row, ``(B, T, N, W)`` and ``(B, T, N, H)``, not yet added.

    So all that belongs to ``N`` things is made ready at once, and only the sums take a value for every pixel.
    """

    across: Tensor
    down: Tensor

    def at(self, *number: int) -> Tensor:
        """Add up: ``(B, T, H, W)`` of one thing."""
        across, down = self
        for index in number:
            across, down = across[:, :, index], down[:, :, index]
        return across[..., None, :] + down[..., :, None]


class Canvas:
    """The frames being painted.

    Lengths are in units of the frame's shorter side, x to the right and y downwards.

    Args:
        shape: ``(B, T, H, W)``.
        device: where to paint.

    Attributes:
        pixel: side of a pixel.
        extent: width and height of the frame.
        color: ``(B, T, 3, H, W)``, what has been painted, RGB.
        open: ``(B, T, H, W)`` in [0, 1], the share of each pixel that nothing covers yet.
    """

    def __init__(self, shape: tuple[int, int, int, int], device: torch.device) -> None:
        batch, frames, height, width = shape
        self.pixel = 1.0 / min(height, width)
        self.extent = (width * self.pixel, height * self.pixel)
        self.columns = (torch.arange(width, device=device) + 0.5) * self.pixel
        self.rows = (torch.arange(height, device=device) + 0.5) * self.pixel
        self.color = torch.zeros(batch, frames, 3, height, width, device=device)
        self.open = torch.ones(shape, device=device)

    def offsets(self, origin: Tensor) -> tuple[Tensor, Tensor]:
        """Distances of columns ``(B, T, ..., W)`` and rows ``(B, T, ..., H)`` from ``origin`` ``(B, T, ..., 2)``."""
        return self.columns - origin[..., :1], self.rows - origin[..., 1:]

    def take(self, mask: Tensor) -> Tensor:
        """Cover the share ``mask`` ``(B, T, H, W)`` of each pixel; returns what of it is seen, in place."""
        seen = mask.mul_(self.open)
        self.open -= seen
        return seen

    def add(self, weight: Tensor, color: Tensor) -> None:
        """Paint with ``color`` ``(B, T or 1, 3)``, weighted by ``(B, T, H, W)``."""
        self.color.addcmul_(weight[:, :, None], color[..., None, None])

    def add_texture(self, seen: Tensor, texture: Tensor, colors: Tensor) -> None:
        """Paint what is seen in two colours ``(B, T or 1, 2, 3)``, mixed by a texture ``(B, T, H, W)``."""
        first, second = colors.unbind(-2)
        self.add(seen, first)
        self.add(texture.mul_(seen), second - first)


def linear(x: Tensor, y: Tensor, gradient: Tensor, constant: Tensor | float = 0.0) -> Planes:
    """Prepare ``gradient . (x, y) + constant``.

    Args:
        x: ``(B, T, ..., W)``.
        y: ``(B, T, ..., H)``.
        gradient: ``(B, T, ..., 2)``.
        constant: a number, or ``(B, T, ...)``.
    """
    offset = constant[..., None] if isinstance(constant, Tensor) else constant
    return Planes(gradient[..., :1] * x, gradient[..., 1:] * y + offset)
