"""Upright boxes that stand still: furniture behind the figures, posts and counters in front of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from iic_ptv.data.procedural.affine import inverse, transformation
from iic_ptv.data.procedural.canvas import Canvas, linear
from iic_ptv.data.procedural.colors import hsv_to_rgb
from iic_ptv.data.procedural.counter_random import CounterRandom
from iic_ptv.data.procedural.lens import View


@dataclass(frozen=True)
class Boxes:
    """Boxes of a batch of scenes, all of them part of the looks.

    Attributes:
        center: ``(B, N, 2)``, as a fraction of the frame's width and height.
        matrix: ``(B, N, 2, 2)``, from a square of half a unit either way to the box.
        colors: ``(B, N, 3)``.
        present: ``(B, N)``, 0 where there is no such box.
        nearness: how much they move in the frame with the camera, in comparison with the figures.
    """

    center: Tensor
    matrix: Tensor
    colors: Tensor
    present: Tensor
    nearness: float

    @classmethod
    def draw(
        cls,
        look: CounterRandom,
        count: int,
        *,
        share: float,
        widths: tuple[float, float],
        heights: tuple[float, float],
        nearness: float,
    ) -> Boxes:
        """Draw ``count`` boxes for every scene, each of which is there with the probability ``share``."""
        width, height = (
            look.uniform(count, low=math.log(low), high=math.log(high)).exp() for low, high in (widths, heights)
        )
        turn = look.uniform(count, low=-0.05, high=0.05)
        hue, saturation, value = look.uniform(3, count).unbind(1)
        return cls(
            center=look.uniform(count, 2),
            matrix=transformation(turn, torch.zeros_like(turn), width, height),
            colors=hsv_to_rgb(hue, 0.7 * saturation, 0.1 + 0.85 * value),
            present=(look.uniform(count) < share).float(),
            nearness=nearness,
        )

    def paint(self, canvas: Canvas, view: View) -> None:
        """Paint them, the first in front."""
        center = (self.center * self.center.new_tensor(canvas.extent))[:, None]
        x, y = canvas.offsets(view.project(center, self.nearness))
        axes = inverse(view.matrix[:, :, None] @ self.matrix[:, None])
        steepness = axes.norm(dim=-1, keepdim=True) * canvas.pixel
        # From the middle to the edge, in pixels.
        half = 0.5 / steepness + 0.5 * self.present[:, None, :, None, None]
        slabs = linear(x[:, :, :, None], y[:, :, :, None], axes / steepness)
        for number in range(self.center.shape[1]):
            within = [
                (half[:, :, number, side, :, None] - slabs.at(number, side).abs_()).clamp_(0.0, 1.0) for side in (0, 1)
            ]
            mask = within[0].mul_(within[1]).mul_(self.present[:, number, None, None, None])
            canvas.add(canvas.take(mask), self.colors[:, number, None])
