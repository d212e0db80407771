"""The classes of the procedural videos: how a shape moves, as closed-form functions of time.

The frame is a torus: what leaves on one side enters on the other. A uniformly random origin therefore
makes the position at any one moment uniform over the frame, whatever the motion. The orientation is made
uniform in the same way, and every class draws its size from the distribution that the pulsation visits. So
**position, orientation and size at any one moment are distributed alike in all classes**: a single
frame says nothing about the motion. Motions that are each other's time reversal (left and right,
clockwise and counterclockwise) show the same frames even as a set; only their order differs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from iic_ptv.data.procedural.counter_random import CounterRandom

SPIN_PER_SPEED = 5.0  # radians per unit of speed: the rim of a shape of radius 0.2 then moves at `speed`
ROCKING = 0.6  # radians to either side
PULSATION = 0.3  # of the logarithm of the size to either side: the largest is 1.8 times the smallest


@dataclass(frozen=True)
class MotionParameters:
    """What differs between two videos of one motion; drawn alike for every motion.

    Lengths are in units of the frame's shorter side, times in frames. Every tensor is ``(B, 1)``, so that it
    combines with times ``(T,)`` or ``(B, T)``; ``origin`` is ``(B, 1, 2)``.
    """

    origin: Tensor
    """Where the path is laid on the torus, as a fraction (x, y) of the frame's width and height."""
    orientation: Tensor
    """Angle at the start, in radians."""
    diameter: Tensor
    """Geometric mean of the size that a pulsation visits."""
    speed: Tensor
    """Length per frame."""
    amplitude: Tensor
    """Half the width of oscillations, radius of orbits."""
    period: Tensor
    """Frames per cycle. Short enough that 8 frames show most of a cycle, from whatever moment."""
    phase: Tensor
    """Where in the cycle the video starts, in radians."""
    sign: Tensor
    """-1 or +1, for motions that go either way."""
    heading: Tensor
    """Direction of travel in radians, for motions that go any way."""

    @classmethod
    def draw(cls, random: CounterRandom) -> MotionParameters:
        """Draw the parameters of a batch of videos."""
        return cls(
            origin=random.uniform(1, 2),
            orientation=random.uniform(1, high=math.tau),
            diameter=random.uniform(1, low=math.log(0.30), high=math.log(0.38)).exp(),
            speed=random.uniform(1, low=0.035, high=0.07),
            amplitude=random.uniform(1, low=0.1, high=0.14),
            period=random.uniform(1, low=8.0, high=12.0),
            phase=random.uniform(1, high=math.tau),
            sign=random.signs(1),
            heading=random.uniform(1, high=math.tau),
        )

    def cycle(self, time: Tensor) -> Tensor:
        """Angle reached in the cycle, in radians."""
        return self.phase + math.tau * time / self.period

    def turns(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """Whole cycles completed, and the fraction of the current one in [0, 1)."""
        turns = self.cycle(time) / math.tau
        return turns.floor(), turns.frac()


class Path(NamedTuple):
    """How far a shape has moved from its origin: x to the right, y downwards, angle clockwise."""

    x: Tensor | float = 0.0
    y: Tensor | float = 0.0
    angle: Tensor | float = 0.0
    pulsation: Tensor | float = 0.0
    """Time for which the size has been pulsating; one that does not stays at a random point of the cycle."""


def oscillation(time: Tensor, p: MotionParameters) -> Tensor:
    """Swing to and fro like a pendulum."""
    return p.amplitude * p.cycle(time).sin()


def bounce(time: Tensor, p: MotionParameters) -> Path:
    """Hop along the ground: parabolas, each ending in a reflection."""
    _, fraction = p.turns(time)
    height = 1.5 * p.amplitude * 4.0 * fraction * (1.0 - fraction)
    return Path(x=0.7 * p.sign * p.speed * time, y=-height)


def zigzag(time: Tensor, p: MotionParameters) -> Path:
    """Climb or sink steadily while going left and right at constant speed."""
    _, fraction = p.turns(time)
    triangle = 4.0 * (fraction - 0.5).abs() - 1.0
    return Path(x=p.amplitude * triangle, y=p.sign * p.speed * time)


def stop_and_go(time: Tensor, p: MotionParameters) -> Path:
    """Travel in a straight line for half of each period, rest for the other half."""
    whole, fraction = p.turns(time)
    distance = 0.7 * p.speed * p.period * (whole + (2.0 * fraction).clamp(max=1.0))
    return Path(x=distance * p.heading.cos(), y=distance * p.heading.sin())


def orbit(time: Tensor, p: MotionParameters, direction: int) -> Path:
    """Circle around a fixed point without turning about itself."""
    return Path(x=p.amplitude * p.cycle(time).cos(), y=direction * p.amplitude * p.cycle(time).sin())


def roll(time: Tensor, p: MotionParameters) -> Path:
    """Roll along the ground: clockwise to the right, counterclockwise to the left."""
    distance = p.sign * p.speed * time
    return Path(x=distance, angle=SPIN_PER_SPEED * distance)


PATHS: dict[str, Callable[[Tensor, MotionParameters], Path]] = {
    "translate_left": lambda time, p: Path(x=-p.speed * time),
    "translate_right": lambda time, p: Path(x=p.speed * time),
    "translate_up": lambda time, p: Path(y=-p.speed * time),
    "translate_down": lambda time, p: Path(y=p.speed * time),
    "spin_clockwise": lambda time, p: Path(angle=SPIN_PER_SPEED * p.speed * time),
    "spin_counterclockwise": lambda time, p: Path(angle=-SPIN_PER_SPEED * p.speed * time),
    "orbit_clockwise": lambda time, p: orbit(time, p, 1),
    "orbit_counterclockwise": lambda time, p: orbit(time, p, -1),
    "oscillate_horizontally": lambda time, p: Path(x=oscillation(time, p)),
    "oscillate_vertically": lambda time, p: Path(y=oscillation(time, p)),
    "rock": lambda time, p: Path(angle=ROCKING * p.cycle(time).sin()),
    "pulsate": lambda time, p: Path(pulsation=time),
    "bounce": bounce,
    "zigzag": zigzag,
    "roll": roll,
    "stop_and_go": stop_and_go,
}

MOTIONS: tuple[str, ...] = tuple(PATHS)
"""Names of the motions; a label is an index into this tuple."""


@dataclass(frozen=True)
class Trajectory:
    """Where the shape is at each moment.

    Attributes:
        position: ``(B, T, 2)``, centre (x, y) in units of the frame's shorter side, x to the right, y downwards.
        angle: ``(B, T)``, radians clockwise.
        diameter: ``(B, T)``, that of the disc of equal area, in units of the frame's shorter side.
    """

    position: Tensor
    angle: Tensor
    diameter: Tensor


def trajectory(
    motions: Tensor, parameters: MotionParameters, times: Tensor, extent: tuple[float, float] = (1.0, 1.0)
) -> Trajectory:
    """Follow each video's shape along its motion.

    Args:
        motions: int64 ``(B,)``, indices into :data:`MOTIONS`.
        parameters: of the same ``B`` videos.
        times: in frames, ``(T,)`` or ``(B, T)``.
        extent: width and height of the frame in units of its shorter side.
    """
    # All motions are computed for all videos and one is picked: these are a few numbers per frame.
    batch, frames = len(motions), times.shape[-1]
    paths = torch.stack([_as_tensor(path(times, parameters), batch, frames, times) for path in PATHS.values()])
    x, y, angle, pulsation = paths[motions, :, torch.arange(batch, device=motions.device)].unbind(1)
    size = times.new_tensor(extent)
    return Trajectory(
        position=torch.remainder(parameters.origin * size + torch.stack([x, y], dim=-1), size),
        angle=torch.remainder(parameters.orientation + angle, math.tau),
        diameter=parameters.diameter * (PULSATION * parameters.cycle(pulsation).sin()).exp(),
    )


def _as_tensor(path: Path, batch: int, frames: int, like: Tensor) -> Tensor:
    """Stack the parts of a path as ``(4, B, T)``."""
    return torch.stack([torch.as_tensor(part).to(like).expand(batch, frames) for part in path])
