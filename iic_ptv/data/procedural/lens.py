"""The camera of a scene: it pans, zooms slowly, and shakes as one that is held in the hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from iic_ptv.data.procedural.affine import transformation
from iic_ptv.data.procedural.counter_random import CounterRandom

SHAKES = 3  # sines that add up to a shaking hand


@dataclass(frozen=True)
class View:
    """Where the camera looks at each moment.

    Attributes:
        pan: ``(B, T, 2)``, displacement of the camera in the plane of the figures.
        zoom: ``(B, T)``, magnification.
        roll: ``(B, T)``, radians.
        center: ``(2,)`` of the frame.
        matrix: ``(B, T, 2, 2)``, the linear part of the projection.
    """

    pan: Tensor
    zoom: Tensor
    roll: Tensor
    center: Tensor
    matrix: Tensor

    def project(self, points: Tensor, nearness: float = 1.0) -> Tensor:
        """Position in the frame of ``points`` ``(B, T, N, 2)``.

        ``nearness`` is how much the camera's displacement shows: 1 in the plane of the figures, less behind it.
        """
        seen_from = self.center + nearness * self.pan
        return (points - seen_from[:, :, None]) @ self.matrix.mT + self.center


@dataclass(frozen=True)
class Lens:
    """How the camera of each scene moves; every tensor is ``(B, 1, ...)``."""

    velocity: Tensor
    """``(B, 1, 2)``, amplitude of a slow pan to and fro."""
    slow: Tensor
    """``(B, 1, 3)``, phase of the pan in x, in y and of the zoom, radians."""
    periods: Tensor
    """``(B, 1, 3)`` of the same, frames."""
    magnification: Tensor
    """``(B, 1)``, logarithm of the zoom to either side."""
    shake: Tensor
    """``(B, 1, SHAKES, 3)``, amplitudes in x, y and roll."""
    rates: Tensor
    """``(B, 1, SHAKES, 3)`` of the shaking, radians per frame."""
    phases: Tensor
    """``(B, 1, SHAKES, 3)``, radians."""
    follow: Tensor
    """``(B, 1)``, the share of the first figure's way that the camera goes with it."""

    @classmethod
    def draw(cls, random: CounterRandom) -> Lens:
        """Draw the cameras of a batch: a third stands still, some follow the figure, the others pan or shake."""
        moving = (random.uniform(1, 3) < 0.6).float()
        strength = moving[..., :1] * random.uniform(1, 1).square() * 0.02
        axes = torch.tensor([1.0, 1.0, 0.8], device=strength.device)
        return cls(
            velocity=moving[..., 1:2] * random.uniform(1, 2, low=-0.25, high=0.25) * torch.tensor([1.0, 0.3]).to(axes),
            slow=random.uniform(1, 3, high=math.tau),
            periods=random.uniform(1, 3, low=50.0, high=160.0),
            magnification=moving[..., 2] * random.uniform(1, high=0.3),
            shake=strength[..., None] * random.uniform(1, SHAKES, 3) * axes,
            rates=math.tau / random.uniform(1, SHAKES, 3, low=5.0, high=30.0),
            phases=random.uniform(1, SHAKES, 3, high=math.tau),
            follow=(random.uniform(1) < 0.35) * random.uniform(1, low=0.5, high=1.0),
        )

    def view(self, times: Tensor, followed: Tensor, extent: tuple[float, float]) -> View:
        """Where the camera looks at ``times`` ``(B, T)``, given the way of the first figure ``(B, T, 2)``."""
        slow = (math.tau * times[..., None] / self.periods + self.slow).sin()
        shake = (self.shake * (self.rates * times[..., None, None] + self.phases).sin()).sum(2)
        zoom, roll = (self.magnification * slow[..., 2]).exp(), shake[..., 2]
        return View(
            pan=self.velocity * slow[..., :2] + shake[..., :2] + self.follow[..., None] * followed,
            zoom=zoom,
            roll=roll,
            center=0.5 * times.new_tensor(extent),
            matrix=transformation(roll, torch.zeros_like(roll), zoom, zoom),
        )
