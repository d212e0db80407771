"""The looks of the figures, and painting them: limbs are tapered capsules, shaded as round, the nearer in front."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from iic_ptv.data.procedural.actions import SIDES
from iic_ptv.data.procedural.canvas import Canvas, Planes, linear
from iic_ptv.data.procedural.choreography import FIGURES, Choreography, Stage
from iic_ptv.data.procedural.colors import hsv_to_rgb
from iic_ptv.data.procedural.counter_random import CounterRandom
from iic_ptv.data.procedural.lens import View
from iic_ptv.data.procedural.skeleton import JOINTS, draw_lengths
from iic_ptv.data.procedural.textures import Texture, draw_textures

ROLES = ("skin", "hair", "shirt", "sleeve", "trousers", "leg", "shoe")
SHADE = 0.45  # how much darker limbs are at their edges
CLOTH_FREQUENCIES = (4.0, 14.0)  # cycles per height of the body


class Limb(NamedTuple):
    """A capsule from one joint to another, or beyond it.

    Attributes:
        start: the joint, and ``end`` the other.
        reach: where on the line between the joints the capsule begins and ends, 0 at the first and 1 at the second.
        radii: at its beginning and its end, in heights of the body.
        role: what it is made of, one of :data:`ROLES`.
    """

    start: str
    end: str
    reach: tuple[float, float]
    radii: tuple[float, float]
    role: str


LIMBS = (
    Limb("chest", "head", (0.0, 0.7), (0.03, 0.03), "skin"),
    Limb("chest", "head", (0.85, 1.1), (0.058, 0.068), "skin"),
    Limb("chest", "head", (1.1, 1.22), (0.066, 0.068), "hair"),
    Limb("pelvis", "chest", (0.0, 0.76), (0.07, 0.085), "shirt"),
    *(
        Limb(f"{start}_{side}", f"{end}_{side}", reach, radii, role)
        for side in SIDES
        for start, end, reach, radii, role in (
            ("shoulder", "elbow", (0.0, 1.0), (0.038, 0.03), "shirt"),
            ("elbow", "wrist", (0.0, 1.0), (0.029, 0.021), "sleeve"),
            ("wrist", "fingers", (0.2, 1.0), (0.024, 0.02), "skin"),
            ("hip", "knee", (0.0, 1.0), (0.06, 0.042), "trousers"),
            ("knee", "ankle", (0.0, 1.0), (0.041, 0.027), "leg"),
            ("ankle", "toes", (0.0, 1.0), (0.027, 0.02), "shoe"),
        )
    ),
)
HAIR, TORSO = 2, 3
SPINE = [JOINTS.index("pelvis"), JOINTS.index("chest")]


@dataclass(frozen=True)
class Looks:
    """Bodies and clothes of a scene's figures.

    Attributes:
        lengths: ``(B, F, len(LENGTHS))``, of the bones, in heights of the body.
        girth: ``(B, F, L)``, factor on the radius of every limb.
        colors: ``(B, F, L, 3)``, RGB of every limb.
        pattern: ``(B, F, 3)``, what the texture adds to the colour of the shirt.
        cloth: texture of the clothes of each figure.
    """

    lengths: Tensor
    girth: Tensor
    colors: Tensor
    pattern: Tensor
    cloth: list[Texture]

    @classmethod
    def draw(cls, random: CounterRandom) -> Looks:
        """Draw the looks of a batch's figures."""
        lengths = draw_lengths(random, FIGURES)
        weight = random.uniform(FIGURES, 1, low=0.85, high=1.2)
        girth = weight * random.uniform(FIGURES, len(LIMBS), low=0.93, high=1.07)
        skin = hsv_to_rgb(
            random.uniform(FIGURES, low=0.02, high=0.09),
            random.uniform(FIGURES, low=0.25, high=0.6),
            random.uniform(FIGURES, low=0.3, high=0.98),
        )
        hair = hsv_to_rgb(
            random.uniform(FIGURES, low=0.02, high=0.13),
            random.uniform(FIGURES, high=0.7),
            random.uniform(FIGURES, low=0.05, high=0.75).square(),
        )
        hue, saturation, value = random.uniform(3, FIGURES, 4).unbind(1)
        shirt, trousers, shoe, second = hsv_to_rgb(hue, saturation, 0.08 + 0.9 * value).unbind(2)
        short_sleeves, short_trousers = (random.uniform(2, FIGURES, 1) < 0.4).unbind(1)
        sleeve = torch.where(short_sleeves, skin, shirt)
        leg = torch.where(short_trousers, skin, trousers)
        palette = torch.stack([skin, hair, shirt, sleeve, trousers, leg, shoe], dim=2)
        roles = torch.tensor([ROLES.index(limb.role) for limb in LIMBS], device=skin.device)
        return cls(
            lengths=lengths,
            girth=girth,
            colors=palette[:, :, roles],
            pattern=(second - shirt) * (random.uniform(FIGURES, 1) < 0.6),
            cloth=draw_textures(random, FIGURES, CLOTH_FREQUENCIES),
        )


@dataclass(frozen=True)
class _Capsules:
    """The limbs of all figures, nearest first; ``(B, T, L, ...)``."""

    start: Tensor
    end: Tensor
    radii: Tensor
    colors: Tensor
    """RGB and, for each figure, 1 where its cloth is seen."""
    present: Tensor


def paint_figures(canvas: Canvas, view: View, stage: Stage, looks: Looks, choreography: Choreography) -> None:
    """Paint the figures of a batch of scenes."""
    capsules = _capsules(view, stage, looks, choreography)
    batch, frames, _, height, width = canvas.color.shape
    figures = canvas.color.new_zeros(batch, frames, 3 + FIGURES, height, width)
    for number, (inside, brightening) in enumerate(_insides(canvas, capsules)):
        light = (inside * brightening).add_(1.0 - SHADE)
        seen = canvas.take(inside.clamp_(0.0, 1.0))
        figures.addcmul_(light.mul_(seen)[:, :, None], capsules.colors[:, :, number, :, None, None])
    canvas.color += figures[:, :, :3]
    spines = view.project(stage.joints[..., SPINE, :2].transpose(1, 2).flatten(2, 3)).unflatten(2, (FIGURES, 2))
    for number, cloth in enumerate(looks.cloth):
        pelvis, chest = spines[:, :, number].unbind(2)
        across, down = ((pelvis - chest) / (pelvis - chest).norm(dim=-1, keepdim=True).clamp(min=1e-3)).unbind(-1)
        upright = torch.stack([torch.stack([down, -across], dim=-1), torch.stack([across, down], dim=-1)], dim=-2)
        scale = (stage.scale[:, number] * view.zoom)[..., None, None]
        pattern = cloth.evaluate_affine(*canvas.offsets(chest), upright / scale)
        canvas.add(pattern.mul_(figures[:, :, 3 + number]), looks.pattern[:, number, None])


def _insides(canvas: Canvas, capsules: _Capsules) -> Iterator[tuple[Tensor, Tensor]]:
    """For each limb, how far inside its outline every pixel is, and what that adds to its brightness.

    With ``q`` the place along the limb (0 at its beginning, 1 at its end), ``c`` the same within these ends, ``p`` the
    vector from the beginning and ``l`` the length, the squared distance from the limb's axis is
    ``p^2 - l^2 c (2 q - c)``; the radius is ``r + k c``. The difference of their squares is a sum of functions of the
    column and of the row, and ``c`` times another one. Divided by twice the radius, it falls by 1 per unit of length
    at the outline.

    Yields:
        ``(B, T, H, W)``, in pixels, 1/2 on the outline; and ``(B, T, 1, 1)``, the increase of brightness per pixel.
    """
    x, y = canvas.offsets(capsules.start)
    axis = capsules.end - capsules.start
    squared_length = axis.square().sum(-1).clamp(min=1e-8)
    radius, slope = capsules.radii[..., 0], capsules.radii[..., 1] - capsules.radii[..., 0]
    mean = radius + 0.5 * slope
    unit = capsules.present / (2.0 * mean * canvas.pixel)
    along = linear(x, y, axis / squared_length[..., None])
    stretched = linear(x, y, axis * (2.0 * unit)[..., None], 2.0 * unit * radius * slope)
    curvature = (unit * (slope.square() - squared_length))[..., None, None]
    constant = unit * radius.square() + 0.5 * capsules.present
    outside = Planes(-unit[..., None] * x.square(), constant[..., None] - unit[..., None] * y.square())
    brightening = (2.0 * SHADE * canvas.pixel / mean)[..., None, None]
    for number in range(axis.shape[2]):
        clamped = along.at(number).clamp_(0.0, 1.0)
        factor = (clamped * curvature[:, :, number]).add_(stretched.at(number))
        yield outside.at(number).addcmul_(factor, clamped), brightening[:, :, number]


def _capsules(view: View, stage: Stage, looks: Looks, choreography: Choreography) -> _Capsules:
    """Put the limbs on the joints and sort them by depth."""
    starts = [JOINTS.index(limb.start) for limb in LIMBS]
    ends = [JOINTS.index(limb.end) for limb in LIMBS]
    joints, device = stage.joints, stage.joints.device
    reach = torch.tensor([limb.reach for limb in LIMBS], device=device)
    joint, bone = joints[..., starts, :], joints[..., ends, :] - joints[..., starts, :]
    start, end = joint + reach[:, :1] * bone, joint + reach[:, 1:] * bone

    # Hair is at the back of the head; a torso is broader than deep.
    sin, cos = stage.facing.sin(), stage.facing.cos()
    back = -0.024 * torch.stack([cos * stage.scale, torch.zeros_like(cos), 1.2 * sin], dim=-1)
    is_hair = torch.zeros(len(LIMBS), 1, device=device)
    is_hair[HAIR] = 1.0
    start, end = start + is_hair * back[..., None, :], end + is_hair * back[..., None, :]
    radii = torch.tensor([limb.radii for limb in LIMBS], device=device).expand(*start.shape[:-1], 2).clone()
    radii[..., TORSO, :] *= 0.85 + torch.tensor([0.15, 0.4], device=device) * sin.abs()[..., None]
    zoom = view.zoom[:, None, :, None, None]
    radii = radii * looks.girth[:, :, None, :, None] * stage.scale[..., None, None] * zoom

    batch, _, frames, limbs, _ = start.shape
    # Whose feet are lower in the frame is nearer, with all limbs, unless two are almost at one place.
    depth = 0.5 * (start[..., 2] + end[..., 2]) + 3.0 * stage.joints[..., 1].amax(-1, keepdim=True)
    order = depth.transpose(1, 2).flatten(2).argsort(-1, descending=True)
    is_cloth = radii.new_tensor([limb.role == "shirt" for limb in LIMBS])
    cloth = is_cloth[:, None] * torch.eye(FIGURES, device=device)[:, None]
    colors = torch.cat([looks.colors, cloth.expand(batch, -1, -1, -1)], dim=-1)
    colors = colors[:, :, None].expand(-1, -1, frames, -1, -1)
    present = choreography.present[:, :, None, None, None].expand(-1, -1, frames, limbs, -1)

    # All values of a limb side by side, so that they are sorted together.
    values = torch.cat([start[..., :2], end[..., :2], radii, present, colors], dim=-1).transpose(1, 2).flatten(2, 3)
    nearest_first = values.gather(2, order[..., None].expand_as(values))
    first, last, radii, present, colors = nearest_first.split([2, 2, 2, 1, 3 + FIGURES], dim=-1)
    return _Capsules(view.project(first), view.project(last), radii, colors, present[..., 0])
