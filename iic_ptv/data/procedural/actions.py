"""What people do in the scenes: every action is a small table of coefficients on a few curves of its cycle.

An angle of a joint is a sum of curves, such as ``0.45 sin`` for the thigh of somebody who walks. So the poses of a
whole batch, each figure in an action of its own, come from one table look-up and one matrix product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

CURVES = (
    *("one", "sin", "cos", "sin2", "cos2", "swing_left", "swing_right", "flight", "hold", "shake", "round"),
    *("stroke", "windup", "strike", "crouch", "land"),
)
"""Names of the curves of :func:`curves`, in its order."""

BUMPS = ((0.0, 1.0), (0.0, 0.45), (0.3, 0.75), (0.05, 0.4), (0.6, 0.95))  # when the last five begin and end

SIDES = ("left", "right")
SIDE_CHANNELS = ("arm", "spread", "elbow", "fold", "thigh", "straddle", "knee", "splay")
BODY_CHANNELS = ("lean", "tilt", "nod", "turn", "tumble", "advance", "lift")
CHANNELS = tuple(f"{angle}_{side}" for side in SIDES for angle in SIDE_CHANNELS) + BODY_CHANNELS
ANGLES = CHANNELS[: CHANNELS.index("turn")]  # of the joints
"""What a pose consists of. All but the last two are angles in radians, 0 for somebody who stands upright:

``arm``, ``thigh``: forwards from hanging down; ``spread``, ``straddle``: sideways; ``elbow``, ``knee``: bent, the
forearm forwards and the shin backwards; ``fold``, ``splay``: the forearm and the shin sideways from the upper part;
``lean``: torso forwards; ``tilt``: torso sideways; ``nod``: head forwards; ``turn``: about the vertical;
``tumble``: the whole body forwards about the feet. ``advance`` (forwards) and ``lift`` (off the ground) are in heights
of the body.
"""


def curves(cycles: Tensor) -> Tensor:
    """Evaluate every curve: ``(...)``, in cycles, to ``(..., len(CURVES))``; all have the period 1 and lie in [-1, 1].

    After the harmonics come the forward swings of the left and the right leg; the parabola of a leap; something held,
    and shaken thrice while it is held; one turn round, as a fraction (the only curve that jumps, by 1); and smooth
    bumps from 0 to 1 and back: one over the whole cycle, a wind-up and its strike, the bent knees before a leap and
    after it.
    """
    fraction = cycles - cycles.floor()
    phase = math.tau * fraction
    sin, cos = phase.sin(), phase.cos()
    edge = (5.0 * torch.minimum(fraction, 1.0 - fraction)).clamp(max=1.0)
    hold = edge * edge * (3.0 - 2.0 * edge)
    starts, ends = fraction.new_tensor(BUMPS).unbind(-1)
    through = ((fraction[..., None] - starts) / (ends - starts)).clamp(0.0, 1.0)
    bumps = 0.5 - 0.5 * (math.tau * through).cos()
    others = [
        torch.ones_like(fraction),
        sin,
        cos,
        2.0 * sin * cos,
        2.0 * cos * cos - 1.0,
        cos.clamp(min=0.0),
        (-cos).clamp(min=0.0),
        (1.0 - (5.0 * (fraction - 0.5)).square()).clamp(min=0.0),
        hold,
        hold * (3.0 * phase).sin(),
        fraction - sin / math.tau,
    ]
    return torch.cat([torch.stack(others, dim=-1), bumps], dim=-1)


@dataclass(frozen=True)
class Action:
    """One action.

    Attributes:
        pose: for each channel that is not 0, the coefficient of each curve.
        stride: how far one cycle carries the figure forwards, in heights of the body.
        duration: of a cycle, relative to that of walking.
        response: what a person opposite does meanwhile.
    """

    pose: dict[str, dict[str, float]]
    stride: float = 0.0
    duration: float = 1.6
    response: str = "stand"


def _both(**angles: dict[str, float]) -> dict[str, dict[str, float]]:
    """Give the same to the left and the right side."""
    return {f"{name}_{side}": dict(curve) for name, curve in angles.items() for side in SIDES}


LIBRARY: dict[str, Action] = {
    "stand": Action(_both(elbow={"one": 0.15}, spread={"one": 0.08}) | {"tilt": {"sin": 0.05}, "nod": {"sin2": 0.08}}),
    "walk": Action(
        {
            "thigh_left": {"sin": 0.45, "one": 0.05},
            "thigh_right": {"sin": -0.45, "one": 0.05},
            "knee_left": {"one": 0.1, "swing_left": 0.85},
            "knee_right": {"one": 0.1, "swing_right": 0.85},
            "arm_left": {"sin": -0.5},
            "arm_right": {"sin": 0.5},
            "elbow_left": {"one": 0.3, "sin": -0.15},
            "elbow_right": {"one": 0.3, "sin": 0.15},
            "lean": {"one": 0.04},
        },
        stride=0.87,
        duration=1.0,
        response="walk",
    ),
    "run": Action(
        {
            "thigh_left": {"sin": 0.75, "one": 0.25},
            "thigh_right": {"sin": -0.75, "one": 0.25},
            "knee_left": {"one": 0.35, "swing_left": 1.5},
            "knee_right": {"one": 0.35, "swing_right": 1.5},
            "arm_left": {"sin": -0.85},
            "arm_right": {"sin": 0.85},
            "elbow_left": {"one": 1.5},
            "elbow_right": {"one": 1.5},
            "lean": {"one": 0.2},
            "lift": {"one": 0.02, "cos2": 0.02},
        },
        stride=1.4,
        duration=0.75,
    ),
    "jump": Action(
        _both(
            thigh={"crouch": 0.9, "flight": 0.2, "land": 0.9},
            knee={"crouch": 1.5, "flight": 0.3, "land": 1.5},
            arm={"windup": -0.7, "flight": 2.5},
            spread={"one": 0.15},
        )
        | {"lean": {"crouch": 0.5, "land": 0.5}, "lift": {"flight": 0.18}},
    ),
    "wave": Action(
        {
            "spread_right": {"hold": 1.5, "one": 0.08},
            "fold_right": {"hold": 1.1, "shake": 0.6},
            "tilt": {"hold": -0.06},
        },
        duration=2.2,
        response="wave",
    ),
    "raise_arms": Action(_both(arm={"stroke": 2.9}, elbow={"one": 0.1}, spread={"one": 0.15}), duration=1.6),
    "clap": Action(
        _both(arm={"one": 0.8}, elbow={"one": 0.9}, spread={"one": 0.15, "sin2": 0.3}, fold={"one": -0.25}),
        response="clap",
    ),
    "jumping_jack": Action(
        _both(spread={"stroke": 2.7, "one": 0.1}, straddle={"stroke": 0.5}, knee={"one": 0.1}, thigh={"one": 0.05})
        | {"lift": {"flight": 0.08}},
        duration=1.0,
    ),
    "punch": Action(
        {
            "arm_right": {"one": 0.35, "windup": -0.4, "strike": 1.2},
            "elbow_right": {"one": 1.9, "strike": -1.8},
            "arm_left": {"one": 0.6},
            "elbow_left": {"one": 1.9},
            "lean": {"strike": 0.25},
            "turn": {"strike": 0.35, "windup": -0.2},
            "advance": {"strike": 0.1},
            "thigh_left": {"one": 0.3, "strike": 0.25},
            "thigh_right": {"one": -0.25, "strike": -0.15},
            "knee_left": {"one": 0.3, "strike": 0.3},
            "knee_right": {"one": 0.15},
        },
        duration=1.0,
        response="recoil",
    ),
    "kick": Action(
        {
            "thigh_right": {"windup": -0.5, "strike": 1.6},
            "knee_right": {"windup": 1.3, "strike": 0.1},
            "thigh_left": {"strike": -0.1},
            "knee_left": {"one": 0.1},
            "lean": {"windup": 0.1, "strike": -0.35},
            "arm_left": {"windup": -0.4, "strike": 0.8},
            "arm_right": {"windup": 0.4, "strike": -0.6},
            "spread_left": {"one": 0.3},
            "spread_right": {"one": 0.3},
            "elbow_left": {"one": 0.5},
            "elbow_right": {"one": 0.5},
        },
        duration=1.2,
        response="recoil",
    ),
    "push": Action(
        _both(arm={"windup": 0.5, "strike": 1.4}, elbow={"windup": 1.8, "strike": 0.1, "one": 0.15})
        | {
            "lean": {"strike": 0.35},
            "advance": {"strike": 0.15},
            "thigh_left": {"strike": 0.5},
            "knee_left": {"strike": 0.5},
            "thigh_right": {"strike": -0.4},
        },
        duration=1.4,
        response="recoil",
    ),
    "point": Action(
        {"arm_right": {"hold": 1.5}, "elbow_right": {"one": 0.1}, "spread_right": {"one": 0.1}, "nod": {"hold": 0.1}},
        duration=1.8,
    ),
    "bow": Action(
        {"lean": {"stroke": 1.2}, "nod": {"stroke": 0.4}} | _both(arm={"stroke": 0.2}, thigh={"stroke": -0.1}),
        response="bow",
    ),
    "squat": Action(
        _both(thigh={"stroke": 1.5}, knee={"stroke": 2.3}, arm={"stroke": 1.4}) | {"lean": {"stroke": 0.5}},
    ),
    "sit": Action(
        _both(thigh={"hold": 1.45}, knee={"hold": 1.5}, arm={"hold": 0.5}, elbow={"hold": 0.7})
        | {"lean": {"hold": 0.1, "windup": 0.35}},
        duration=2.4,
    ),
    "pick_up": Action(
        _both(thigh={"stroke": 0.7}, knee={"stroke": 1.1}, arm={"stroke": 0.9, "one": 0.1}, elbow={"windup": -0.1})
        | {"lean": {"stroke": 1.3}, "nod": {"stroke": 0.2}},
        duration=1.8,
    ),
    "throw": Action(
        {
            "arm_right": {"windup": -1.3, "strike": 2.1},
            "elbow_right": {"windup": 1.4, "strike": 0.3, "one": 0.2},
            "spread_right": {"windup": 0.7},
            "arm_left": {"windup": 1.1, "strike": -0.4},
            "lean": {"windup": -0.3, "strike": 0.5},
            "turn": {"windup": -0.5, "strike": 0.4},
            "thigh_left": {"strike": 0.5},
            "knee_left": {"strike": 0.4},
            "thigh_right": {"strike": -0.4},
        },
        duration=1.4,
    ),
    "drink": Action(
        {
            "arm_right": {"hold": 0.7},
            "elbow_right": {"hold": 2.0, "one": 0.2},
            "fold_right": {"hold": -0.4},
            "nod": {"hold": -0.25},
        },
        duration=2.2,
    ),
    "swing_bat": Action(
        _both(arm={"one": 0.9}, elbow={"one": 0.4}, straddle={"one": 0.25})
        | {
            "fold_left": {"one": -0.5},
            "fold_right": {"one": -0.5},
            "turn": {"windup": -0.9, "strike": 1.2},
            "lean": {"one": 0.2},
            "arm_right": {"one": 0.9, "windup": 0.7},
            "arm_left": {"one": 0.9, "windup": 0.7},
        },
        duration=1.5,
    ),
    "climb": Action(
        {
            "arm_left": {"one": 2.3, "sin": 0.6},
            "arm_right": {"one": 2.3, "sin": -0.6},
            "elbow_left": {"one": 0.5, "sin": -0.4},
            "elbow_right": {"one": 0.5, "sin": 0.4},
            "thigh_left": {"one": 0.6, "sin": -0.6},
            "thigh_right": {"one": 0.6, "sin": 0.6},
            "knee_left": {"one": 0.9, "sin": -0.8},
            "knee_right": {"one": 0.9, "sin": 0.8},
            "lift": {"one": 0.1, "cos2": 0.03},
            "tilt": {"sin": 0.08},
        },
        duration=1.3,
    ),
    "turn_round": Action(
        _both(arm={"one": 0.1}, spread={"one": 0.25}, elbow={"one": 0.3})
        | {
            "turn": {"round": math.tau},
            "thigh_left": {"sin2": 0.2},
            "thigh_right": {"sin2": -0.2},
            "knee_left": {"swing_left": 0.3},
            "knee_right": {"swing_right": 0.3},
        },
        duration=1.8,
    ),
    "dance": Action(
        {
            "tilt": {"sin": 0.25},
            "turn": {"cos": 0.4},
            "arm_left": {"one": 0.5, "cos": 0.5},
            "arm_right": {"one": 0.5, "cos": -0.5},
            "elbow_left": {"one": 1.2, "sin2": 0.4},
            "elbow_right": {"one": 1.2, "sin2": -0.4},
            "spread_left": {"one": 0.5, "sin": 0.4},
            "spread_right": {"one": 0.5, "sin": -0.4},
            "straddle_left": {"one": 0.15, "sin": 0.15},
            "straddle_right": {"one": 0.15, "sin": -0.15},
            "knee_left": {"one": 0.35, "sin2": 0.25},
            "knee_right": {"one": 0.35, "sin2": 0.25},
            "thigh_left": {"one": 0.2, "sin2": 0.12},
            "thigh_right": {"one": 0.2, "sin2": 0.12},
        },
        duration=1.3,
        response="dance",
    ),
    "fall": Action(
        {"tumble": {"hold": 1.45}} | _both(arm={"hold": 1.2}, elbow={"one": 0.2}, knee={"windup": 0.8}),
        duration=2.2,
    ),
    "shake_hands": Action(
        {
            "arm_right": {"hold": 0.75, "shake": 0.12},
            "elbow_right": {"hold": 0.6, "shake": 0.2, "one": 0.1},
            "fold_right": {"hold": -0.15},
            "elbow_left": {"one": 0.15},
            "lean": {"hold": 0.12},
            "advance": {"hold": 0.06},
        },
        duration=2.0,
        response="shake_hands",
    ),
    "hug": Action(
        _both(arm={"hold": 1.3}, elbow={"hold": 0.4}, spread={"hold": 0.3}, fold={"hold": -0.7})
        | {"advance": {"hold": 0.13}, "lean": {"hold": 0.12}, "tilt": {"shake": 0.06}},
        duration=2.4,
        response="hug",
    ),
    "recoil": Action(
        _both(arm={"strike": 0.7, "one": 0.1}, elbow={"strike": 0.6, "one": 0.2}, spread={"strike": 0.5})
        | {
            "lean": {"strike": -0.5},
            "nod": {"strike": -0.3},
            "advance": {"stroke": -0.2},
            "thigh_left": {"strike": 0.4},
            "knee_left": {"strike": 0.5},
            "thigh_right": {"strike": -0.3},
        },
        duration=1.2,
    ),
}

ACTIONS: tuple[str, ...] = tuple(LIBRARY)
"""Names of the actions; a label is an index into this tuple."""


def action_table(device: torch.device) -> Tensor:
    """Coefficients of all actions, ``(len(ACTIONS), len(CHANNELS), len(CURVES))``."""
    rows = [
        [[action.pose.get(channel, {}).get(curve, 0.0) for curve in CURVES] for channel in CHANNELS]
        for action in LIBRARY.values()
    ]
    return torch.tensor(rows).to(device)


def response_table(device: torch.device) -> Tensor:
    """The response to each action, int64 indices into :data:`ACTIONS`."""
    return torch.tensor([ACTIONS.index(action.response) for action in LIBRARY.values()]).to(device)


def pace_table(device: torch.device) -> Tensor:
    """Stride and duration of each action, ``(len(ACTIONS), 2)``."""
    return torch.tensor([(action.stride, action.duration) for action in LIBRARY.values()]).to(device)
