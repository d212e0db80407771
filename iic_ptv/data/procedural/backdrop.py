"""What is behind everything: a wall, and in most scenes a floor that meets it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from iic_ptv.data.procedural.affine import inverse
from iic_ptv.data.procedural.canvas import Canvas, linear
from iic_ptv.data.procedural.colors import hsv_to_rgb
from iic_ptv.data.procedural.counter_random import CounterRandom
from iic_ptv.data.procedural.lens import View
from iic_ptv.data.procedural.textures import Texture

WAVES = 16
FREQUENCIES = (0.4, 12.0)  # cycles per shorter side of the frame
WALL_NEARNESS = 0.6  # of the wall, in comparison with the figures'
FLATNESS = 3.0  # how much a pattern on the floor is foreshortened


def draw_natural_texture(random: CounterRandom) -> Texture:
    """Draw waves of all scales, weaker the shorter they are, as in photographs, whose spectrum falls as 1 / f."""
    low, high = (math.log(frequency) for frequency in FREQUENCIES)
    frequency = random.uniform(WAVES, low=low, high=high).exp()
    direction = random.uniform(WAVES, high=math.tau)
    amplitudes = frequency ** -random.uniform(1, low=0.3, high=1.1)
    return Texture(
        wave_vectors=torch.stack([frequency * direction.cos(), frequency * direction.sin()], dim=-1),
        phases=random.uniform(WAVES, high=math.tau),
        amplitudes=amplitudes * (2.0 / amplitudes.square().sum(1, keepdim=True)).sqrt(),
        sharpness=random.uniform(low=math.log(0.7), high=math.log(5.0)).exp(),
    )


@dataclass(frozen=True)
class Backdrop:
    """Wall and floor of a batch of scenes.

    Attributes:
        textures: of the floor and of the wall.
        colors: ``(B, 2, 2, 3)``, two for each.
        edge: ``(B,)``, height of the line between them, from the frame's upper edge.
    """

    textures: tuple[Texture, Texture]
    colors: Tensor
    edge: Tensor

    @classmethod
    def draw(cls, random: CounterRandom) -> Backdrop:
        """Draw the surroundings; in a third of the scenes there is a wall alone."""
        hue, saturation, value = random.uniform(3, 2, 1).unbind(1)
        contrast = random.uniform(2, 1, low=-0.45, high=0.45) * torch.tensor([-0.5, 0.5], device=hue.device)
        colors = hsv_to_rgb(
            hue + random.uniform(2, 2, low=-0.1, high=0.1),
            0.7 * saturation.pow(3) + random.uniform(2, 2, high=0.2),
            (0.1 + 0.8 * value + contrast).clamp(0.02, 1.0),
        )
        has_floor = random.uniform() < 0.67
        return cls(
            textures=(draw_natural_texture(random), draw_natural_texture(random)),
            colors=colors,
            edge=torch.where(has_floor, random.uniform(low=0.45, high=0.85), 9.0),
        )

    def paint(self, canvas: Canvas, view: View) -> None:
        """Paint what is left of the canvas."""
        origin = torch.stack([torch.zeros_like(self.edge), self.edge * canvas.extent[1]], dim=-1)
        x, y = canvas.offsets(view.project(origin[:, None, None], WALL_NEARNESS))
        down = torch.stack([-view.roll.sin(), view.roll.cos()], dim=-1)
        floor = canvas.take(linear(x, y, down[:, :, None] / canvas.pixel, 0.5).at(0).clamp_(0.0, 1.0))
        x, y = x[:, :, 0], y[:, :, 0]
        upright = inverse(view.matrix)
        flat = upright * upright.new_tensor([1.0, FLATNESS])[:, None]
        for seen, texture, matrix, colors in zip(
            (floor, canvas.open), self.textures, (flat, upright), self.colors.unbind(1), strict=True
        ):
            canvas.add_texture(seen, texture.evaluate_affine(x, y, matrix), colors[:, None])
