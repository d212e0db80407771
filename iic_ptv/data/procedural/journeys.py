"""How the moving objects of a scene move: they speed up and slow down, swing, hop, and change their form and colour."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from iic_ptv.data.procedural.affine import transformation
from iic_ptv.data.procedural.counter_random import CounterRandom

MARGIN = 0.35  # by how much objects leave the frame before they come again on the other side
# What varies in the course of time, each at a rate of its own, and by how much at most.
WAVES = {
    "speed": 0.95,
    "turn": 0.8,
    "size": 0.35,
    "stretch": 0.35,
    "shear": 0.6,
    "swing": 0.2,
    "hop": 0.4,
    "color": 1.0,
}


@dataclass(frozen=True)
class Journeys:
    """The motion of ``N`` objects in each scene of a batch.

    Lengths are in units of the frame's shorter side, times in frames.

    Attributes:
        origin: ``(B, 1, N, 2)``, as a fraction of the frame with its margin.
        velocity: ``(B, 1, N, 2)``.
        spin: ``(B, 1, N)``, steady turning in radians per frame.
        heading: ``(B, 1, N, 2)``, direction of the swinging, a unit vector.
        amounts: ``(B, 1, N, len(WAVES))``, amplitudes of what varies, 0 where it does not.
        rates: of the same, in radians per frame.
        phases: of the same, in radians.
    """

    origin: Tensor
    velocity: Tensor
    spin: Tensor
    heading: Tensor
    amounts: Tensor
    rates: Tensor
    phases: Tensor

    @classmethod
    def draw(cls, random: CounterRandom, count: int) -> Journeys:
        """Draw the journeys of ``count`` objects in every scene; each leaves some of the movements out."""
        speed = random.uniform(1, count, low=0.008, high=0.05) * (random.uniform(1, count) < 0.7)
        course, heading = random.uniform(2, 1, count, high=math.tau).unbind(1)
        most = torch.tensor(list(WAVES.values()), device=speed.device)
        return cls(
            origin=random.uniform(1, count, 2),
            velocity=speed[..., None] * torch.stack([course.cos(), 0.6 * course.sin()], dim=-1),
            spin=(random.uniform(1, count) < 0.5) * random.uniform(1, count, low=-0.25, high=0.25),
            heading=torch.stack([heading.cos(), heading.sin()], dim=-1),
            amounts=(random.uniform(1, count, len(WAVES)) < 0.45) * random.uniform(1, count, len(WAVES)) * most,
            rates=math.tau / random.uniform(1, count, len(WAVES), low=9.0, high=40.0),
            phases=random.uniform(1, count, len(WAVES), high=math.tau),
        )

    def follow(self, times: Tensor, extent: tuple[float, float]) -> tuple[Tensor, Tensor, Tensor]:
        """Where the objects are at ``times`` ``(B, T)``, in what form and colour.

        Returns:
            center: ``(B, T, N, 2)``, x to the right and y downwards from the frame's corner.
            matrix: ``(B, T, N, 2, 2)``, what the form is transformed by.
            blend: ``(B, T, N)`` in [0, 1], the share of the second of two looks.
        """
        moments = times[:, :, None]
        sines = (self.rates * moments[..., None] + self.phases).sin()
        wave = dict(zip(WAVES, (self.amounts * sines).unbind(-1), strict=True))
        # The derivative is 1 + amount cos(...): always forwards, but almost at rest now and then.
        progress = moments + wave["speed"] / self.rates[..., 0]
        hop = torch.stack([torch.zeros_like(progress), wave["hop"].abs()], dim=-1)
        room = times.new_tensor(extent) + 2.0 * MARGIN
        path = self.origin * room + self.velocity * progress[..., None] + self.heading * wave["swing"][..., None] - hop
        turn = self.phases[..., 1] + self.spin * progress + wave["turn"]
        width, height = (wave["size"] + wave["stretch"]).exp(), (wave["size"] - wave["stretch"]).exp()
        matrix = transformation(turn, wave["shear"], width, height)
        return path.remainder(room) - MARGIN, matrix, 0.5 + 0.5 * wave["color"]
