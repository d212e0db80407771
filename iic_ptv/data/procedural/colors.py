"""Random colours in which the shape stands out and the background stays behind."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from iic_ptv.data.procedural.counter_random import CounterRandom


def hsv_to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """Convert colours; all in [0, 1], hue cyclic. The last axis of the result is RGB."""
    sector = (6.0 * hue[..., None] + torch.tensor([5.0, 3.0, 1.0], device=hue.device)).remainder(6.0)
    chroma = (value * saturation)[..., None]
    return value[..., None] - chroma * torch.minimum(sector, 4.0 - sector).clamp(0.0, 1.0)


@dataclass(frozen=True)
class Palette:
    """The two colours of each texture, ``(B, 2, 3)``, RGB in [0, 1]."""

    shape: Tensor
    background: Tensor

    @classmethod
    def draw(cls, random: CounterRandom) -> Palette:
        """Draw the colours of a batch of videos.

        The background is muted, dark or light, its two colours near each other. The shape takes a bright and a deep
        colour of other hues, so that one of them contrasts with any background, and each with the other.
        """
        hue = random.uniform(1)
        is_light = random.integers(1, high=2)
        darker = random.uniform(1, low=0.2, high=0.35) + 0.45 * is_light
        background = hsv_to_rgb(
            hue + random.uniform(2, low=-0.08, high=0.08),
            random.uniform(2, low=0.15, high=0.45),
            torch.cat([darker, darker + random.uniform(1, low=0.08, high=0.16)], dim=1),
        )
        first_hue = hue + random.uniform(1, low=0.25, high=0.75)
        shape = hsv_to_rgb(
            torch.cat([first_hue, first_hue + random.signs(1) * random.uniform(1, low=0.08, high=0.3)], dim=1),
            random.uniform(2, low=0.55, high=0.95),
            torch.cat([random.uniform(1, low=0.85, high=1.0), random.uniform(1, low=0.3, high=0.5)], dim=1),
        )
        return cls(shape=shape, background=background)
