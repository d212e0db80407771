"""What the figures of a scene do, where, and when they begin something else: the scene's motion, without its looks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from iic_ptv.data.procedural.actions import (
    ACTIONS,
    ANGLES,
    CHANNELS,
    action_table,
    curves,
    pace_table,
    response_table,
)
from iic_ptv.data.procedural.counter_random import CounterRandom
from iic_ptv.data.procedural.skeleton import place_joints

FIGURES = 2
PRESENT = (0.95, 0.5)  # how likely there is a first and a second one
TOGETHER = 0.55  # how likely two act upon each other
CHANGING = 0.4  # how likely a figure does something else after a while
CHANGE = 5.0  # frames that going over to another action takes
NEVER = 1e6
TURN = 0.12  # of the way between two turnings that a figure takes to turn round
PERSPECTIVE = 0.45  # how fast figures grow with their nearness


class Stage(NamedTuple):
    """Where the figures of a batch are at each moment.

    Attributes:
        joints: ``(B, F, T, J, 3)``, x to the right and y downwards in units of the frame's shorter side before the
            camera moves, z towards the camera in heights of the body.
        scale: ``(B, F, T)``, what a height of the body is in these units.
        facing: ``(B, F, T)``, radians: 0 to the right, pi / 2 towards the camera.
        walked: ``(B, F, T, 2)``, how far each figure has gone in the frame.
    """

    joints: Tensor
    scale: Tensor
    facing: Tensor
    walked: Tensor


@dataclass(frozen=True)
class Choreography:
    """The motion of a scene's figures; tensors are ``(B, F)`` unless said otherwise."""

    actions: Tensor
    """``(B, F, 2)``, indices into :data:`~iic_ptv.data.procedural.actions.ACTIONS`: before and after the change."""
    present: Tensor
    """Whether there is such a figure, 0 or 1."""
    together: Tensor
    """``(B,)``, whether the two figures act upon each other."""
    change: Tensor
    """Frame at which the second action begins, :data:`NEVER` in most scenes."""
    period: Tensor
    """Frames that a cycle of walking takes."""
    phase: Tensor
    """``(B, F, 2)``, where in its cycle each action is at time 0, in cycles."""
    energy: Tensor
    """Factor on the movements."""
    habit: Tensor
    """``(B, F, len(ANGLES))``, what is added to the angles of the pose, radians."""
    sway: Tensor
    """``(B, F, len(ANGLES))``, phases of the small movements of somebody who stands."""
    hand: Tensor
    """-1 for left-handed people, 1 for right-handed ones."""
    facing: Tensor
    """Direction of the figure at the start, radians: 0 to the right, pi / 2 towards the camera."""
    place: Tensor
    """``(B, F, 2)``, where the feet are at ``moment``, from the centre of the frame and from its upper edge."""
    moment: Tensor
    """The frame at which the figure is at its place."""
    way: Tensor
    """How far from their places figures walk before they turn round."""
    height: Tensor
    """Of the body, in units of the frame's shorter side."""

    @classmethod
    def draw(cls, random: CounterRandom) -> Choreography:
        """Draw what the figures of a batch of scenes do."""
        device = random.seeds.device
        present = random.uniform(FIGURES) < torch.tensor(PRESENT, device=device)
        together = (random.uniform() < TOGETHER) & present.all(1)
        actions = random.integers(FIGURES, 2, high=len(ACTIONS))
        change = random.uniform(FIGURES, low=4.0, high=40.0)
        change = torch.where(random.uniform(FIGURES) < CHANGING, change, NEVER)
        period = random.uniform(FIGURES, low=math.log(13.0), high=math.log(28.0)).exp()
        phase = random.uniform(FIGURES, 2)
        height = random.uniform(FIGURES, low=math.log(0.5), high=math.log(1.25)).exp()
        facing = random.uniform(FIGURES, high=math.tau)
        profile = math.pi * random.integers(FIGURES, high=2) + random.uniform(FIGURES, low=-0.5, high=0.5)
        facing = torch.where((random.uniform(FIGURES) < 0.5) | together[:, None], profile, facing)
        across = random.uniform(FIGURES, low=-0.35, high=0.35)
        ground = 0.03 + random.uniform(FIGURES) * (0.93 - height).clamp(min=0.1) + height
        moment = random.uniform(FIGURES, high=24.0)
        way = random.uniform(FIGURES, low=0.25, high=0.6)
        energy = random.uniform(FIGURES, low=0.8, high=1.2)

        def partner(values: Tensor, of_the_first: Tensor) -> Tensor:
            """Give the second figure, where they act together, a value that follows from the first one's."""
            where = together.view(-1, *(1,) * (of_the_first.ndim - 1))
            return torch.stack([values[:, 0], torch.where(where, of_the_first, values[:, 1])], dim=1)

        # Two who act together stand opposite each other, at arm's length, on one ground, and keep time.
        height = partner(height, height[:, 0] * random.uniform(low=0.92, high=1.08))
        gap = 0.5 * height[:, 0] * random.uniform(low=0.38, high=0.7) * facing[:, 0].cos().sign()
        pair = 0.5 * across[:, :1] + torch.stack([-gap, gap], dim=1)
        across = torch.where(together[:, None], pair, across)
        change = partner(change, change[:, 0])
        return cls(
            actions=partner(actions, response_table(device)[actions[:, 0]]),
            present=present.float(),
            together=together,
            change=change,
            period=partner(period, period[:, 0]),
            phase=partner(phase, phase[:, 0]),
            energy=energy,
            habit=random.uniform(FIGURES, len(ANGLES), low=-0.1, high=0.1),
            sway=random.uniform(FIGURES, len(ANGLES), high=math.tau),
            hand=random.signs(FIGURES),
            facing=partner(facing, facing[:, 0] + math.pi),
            place=torch.stack([across, partner(ground, ground[:, 0])], dim=-1),
            # They meet where the one thing ends and the other begins.
            moment=torch.where(together[:, None] & (change < NEVER), change, moment),
            way=torch.where(together[:, None], 10.0, way),
            height=height,
        )

    def stage(self, times: Tensor, lengths: Tensor, extent: tuple[float, float]) -> Stage:
        """Follow the figures.

        Args:
            times: ``(B, T)``, frames.
            lengths: ``(B, F, len(LENGTHS))``, of the bones, in heights of the body.
            extent: width and height of the frame.
        """
        moments = times[:, None]
        pose = self.pose(moments)
        distance, turned = self._walk(moments)
        start = self.facing[..., None]
        facing = start + turned + pose[..., CHANNELS.index("turn")] * self.hand[..., None]
        walked = torch.stack([distance * start.cos(), torch.zeros_like(distance)], dim=-1)

        # The perspective is that of the feet: it makes the figures larger or smaller about a point of the horizon.
        nearness = 1.0 / (1.0 - PERSPECTIVE * (distance * start.sin()).clamp(-0.8, 0.8))
        width, height = extent
        feet = self.place[:, :, None] + times.new_tensor([0.5 * width, height - 1.0]) + walked
        horizon = times.new_tensor([0.5 * width, 0.4 * height])
        feet = horizon + (feet - horizon) * nearness[..., None]
        scale = self.height[..., None] * nearness

        forwards, up, left = place_joints(pose, lengths).unbind(-1)
        left = left * self.hand[..., None, None]
        cos, sin = facing.cos()[..., None], facing.sin()[..., None]
        x = feet[..., :1] + scale[..., None] * (cos * forwards + sin * left)
        y = feet[..., 1:] - scale[..., None] * up
        depth = sin * forwards - cos * left  # facing right, the left hand is on the far side
        return Stage(torch.stack([x, y, depth], dim=-1), scale, facing, walked)

    def pose(self, moments: Tensor) -> Tensor:
        """Poses ``(B, F, T, C)`` at ``(B, 1, T)``: of one action, then of the other, mixed in between."""
        device = moments.device
        durations = pace_table(device)[self.actions][..., 1] * self.period[..., None]
        cycles = self.phase[..., None] + moments[:, :, None] / durations[..., None]
        poses = curves(cycles) @ action_table(device)[self.actions].mT
        changed = ((moments - self.change[..., None]) / CHANGE).clamp(0.0, 1.0)
        smooth = changed * changed * (3.0 - 2.0 * changed)
        pose = torch.lerp(poses[:, :, 0], poses[:, :, 1], smooth[..., None])
        # Whoever turns round or falls does so by a whole turn or to the ground, the others more or less.
        is_angle = pose.new_tensor([name in ANGLES for name in CHANNELS])
        pose = pose * (1.0 + (self.energy[..., None, None] - 1.0) * is_angle)
        idle = 1.0 + 0.3 * (0.15 * moments[..., None] + self.sway[..., None, :]).sin()
        habit = (self.habit[:, :, None] * idle).expand(*pose.shape[:-1], -1)
        return pose + functional.pad(habit, (0, len(CHANNELS) - len(ANGLES)))

    def _walk(self, moments: Tensor) -> tuple[Tensor, Tensor]:
        """How far figures are from their places, to and fro, and by what angle they have turned, ``(B, F, T)``."""
        gone = self._distance(moments) - self._distance(self.moment[..., None])
        legs = gone / (2.0 * self.way[..., None]) + 0.5
        place = 0.5 - (legs.remainder(2.0) - 1.0).abs()
        nearest = legs.round()
        turned = math.pi * (nearest - 0.5 + ((legs - nearest) / TURN).clamp(-0.5, 0.5))
        return place * 2.0 * self.way[..., None], turned

    def _distance(self, moments: Tensor) -> Tensor:
        """How far each figure has walked since time 0, in units of the frame's shorter side."""
        stride, duration = pace_table(moments.device)[self.actions].unbind(-1)
        speed = stride / duration * (self.energy * self.height / self.period)[..., None]
        since = moments - self.change[..., None]
        second = 0.5 * CHANGE * (since / CHANGE).clamp(0.0, 1.0).square() + (since - CHANGE).clamp(min=0.0)
        return speed[..., :1] * (moments - second) + speed[..., 1:] * second
