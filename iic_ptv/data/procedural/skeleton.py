"""The body: bones of fixed lengths, and where a pose puts their joints."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor

from iic_ptv.data.procedural.actions import BODY_CHANNELS, SIDE_CHANNELS, SIDES
from iic_ptv.data.procedural.counter_random import CounterRandom

# Lengths in heights of the body, and how far they vary between people, either way.
TRUNK = {"torso": (0.29, 0.02), "neck": (0.135, 0.01), "shoulder": (0.105, 0.015), "hip": (0.05, 0.01)}
ARM = {"upper_arm": (0.17, 0.015), "forearm": (0.15, 0.015), "hand": (0.05, 0.008)}
LEG = {"thigh": (0.25, 0.015), "shin": (0.24, 0.015), "foot": (0.09, 0.012)}
LENGTHS = TRUNK | ARM | LEG

CHAINS = (("shoulder", "elbow", "wrist", "fingers"), ("hip", "knee", "ankle", "toes"))
JOINTS = ("pelvis", "chest", "head", *(f"{joint}_{side}" for side in SIDES for chain in CHAINS for joint in chain))
BONES: tuple[tuple[str, str], ...] = (
    ("pelvis", "chest"),
    ("chest", "head"),
    *((root, f"{chain[0]}_{side}") for side in SIDES for root, chain in zip(("chest", "pelvis"), CHAINS, strict=True)),
    *((f"{a}_{side}", f"{b}_{side}") for side in SIDES for chain in CHAINS for a, b in itertools.pairwise(chain)),
)
"""Pairs of joints whose distance never changes."""
FEET = [JOINTS.index(f"{joint}_{side}") for joint in ("ankle", "toes") for side in SIDES]


def draw_lengths(random: CounterRandom, count: int) -> Tensor:
    """Draw the bones of ``count`` people per video, ``(B, count, len(LENGTHS))``."""
    mean, spread = torch.tensor(list(LENGTHS.values()), device=random.seeds.device).unbind(-1)
    return mean + spread * random.uniform(count, len(LENGTHS), low=-1.0, high=1.0)


def place_joints(pose: Tensor, lengths: Tensor) -> Tensor:
    """Put the joints of a body where its pose wants them (forward kinematics).

    Args:
        pose: ``(..., T, len(CHANNELS))``.
        lengths: ``(..., len(LENGTHS))``, in heights of the body.

    Returns:
        ``(..., T, len(JOINTS), 3)`` in heights of the body: x forwards, y upwards, z to the left. The lower foot is on
        the ground, ``y = 0``, unless the pose lifts the body or lays it down.
    """
    pairs, single = pose.split([2 * len(SIDE_CHANNELS), len(BODY_CHANNELS)], dim=-1)
    arm, spread, elbow, fold, thigh, straddle, knee, splay = pairs.unflatten(-1, (2, -1)).unbind(-1)
    lean, tilt, nod, _, tumble, advance, lift = single.unbind(-1)
    trunk, limbs = lengths[..., None, :].split([len(TRUNK), len(ARM) + len(LEG)], dim=-1)

    # The two parts of the trunk hang upwards.
    upright = _direction(torch.stack([math.pi - lean, math.pi - lean - nod], dim=-1), tilt[..., None])
    trunk_bones = trunk[..., :2, None] * upright
    chest = trunk_bones[..., 0, :]
    pelvis = torch.zeros_like(chest)

    forearm, forearm_side, shin, shin_side = arm + elbow, spread + fold, thigh - knee, straddle + splay
    # A foot is level while its shin is upright, and droops behind.
    forwards = torch.stack([arm, forearm, forearm, thigh, shin, 0.6 * shin + 0.47 * math.pi], dim=-1)
    sideways = torch.stack([spread, forearm_side, forearm_side, straddle, shin_side, 0.3 * shin_side], dim=-1)
    outwards = pose.new_tensor([1.0, -1.0])[:, None]
    bones = limbs[..., None, :, None] * _direction(forwards, sideways * outwards)
    half_widths = (trunk[..., None, 2:] * outwards)[..., None] * pose.new_tensor([0.0, 0.0, 1.0])
    roots = torch.stack([chest, pelvis], dim=-2)[..., None, :, :] + half_widths
    chains = torch.cat([roots[..., None, :], bones.unflatten(-2, (2, -1))], dim=-2).cumsum(-2)

    joints = torch.cat([torch.stack([pelvis, chest, trunk_bones.sum(-2)], dim=-2), chains.flatten(-4, -2)], dim=-2)
    x, y, z = joints.unbind(-1)
    y = y - y[..., FEET].amin(-1, keepdim=True)
    cos, sin = tumble[..., None].cos(), tumble[..., None].sin()
    x, y = cos * x + sin * y, cos * y - sin * x
    y = y - y.amin(-1, keepdim=True).clamp(max=0.0)
    return torch.stack([x + advance[..., None], y + lift[..., None], z], dim=-1)


def _direction(forwards: Tensor, sideways: Tensor) -> Tensor:
    """Unit vector that hangs down, turned forwards and then sideways (to the left), ``(..., 3)``."""
    cos = sideways.cos()
    return torch.stack([forwards.sin() * cos, -forwards.cos() * cos, sideways.sin().expand_as(forwards)], dim=-1)
