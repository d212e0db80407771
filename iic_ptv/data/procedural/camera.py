"""What moves although nobody acts: the background drifts, the camera sways, the light flickers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from iic_ptv.data.procedural.counter_random import CounterRandom

SWAY = 0.012  # of the frame's shorter side, either way
FLICKER = 0.04  # of the brightness, either way


@dataclass(frozen=True)
class Camera:
    """The disturbances of a video: slow beside the shape's motion, and drawn alike for every motion.

    Attributes:
        start: ``(B, 1, 2)``, where the camera looks at the background at time 0.
        drift: ``(B, 1, 2)``, the background's own velocity, lengths per frame.
        frequencies: ``(B, 1, 3)`` of the sway in x, the sway in y and the flicker, radians per frame.
        phases: ``(B, 1, 3)``, radians.
    """

    start: Tensor
    drift: Tensor
    frequencies: Tensor
    phases: Tensor

    @classmethod
    def draw(cls, random: CounterRandom) -> Camera:
        """Draw the disturbances of a batch of videos."""
        return cls(
            start=random.uniform(1, 2),
            drift=random.uniform(1, 2, low=-0.006, high=0.006),
            frequencies=math.tau / random.uniform(1, 3, low=12.0, high=30.0),
            phases=random.uniform(1, 3, high=math.tau),
        )

    def sway(self, times: Tensor) -> Tensor:
        """Displacement (x, y) of everything in view at ``times``, ``(T,)`` or ``(B, T)``: ``(B, T, 2)``."""
        return SWAY * self._waves(times)[..., :2]

    def background(self, times: Tensor) -> Tensor:
        """Position (x, y) of the background's origin in the frame, ``(B, T, 2)``."""
        return self.start + self.drift * times[..., None] + self.sway(times)

    def brightness(self, times: Tensor) -> Tensor:
        """Factor on the brightness of each frame, ``(B, T)``."""
        return 1.0 + FLICKER * self._waves(times)[..., 2]

    def _waves(self, times: Tensor) -> Tensor:
        return torch.sin(self.frequencies * times[..., None] + self.phases)
