"""The objects of a scene: convex polygons, discs and rings, textured, that move and change their form.

Each is the intersection of four half-planes and a disc, perhaps with a hole, under a linear transformation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from iic_ptv.data.procedural.affine import inverse
from iic_ptv.data.procedural.canvas import Canvas, Planes, linear
from iic_ptv.data.procedural.colors import hsv_to_rgb
from iic_ptv.data.procedural.counter_random import CounterRandom
from iic_ptv.data.procedural.journeys import Journeys
from iic_ptv.data.procedural.lens import View
from iic_ptv.data.procedural.textures import Texture, draw_textures

EDGES = 4
FREQUENCIES = (0.3, 1.6)  # of their textures, cycles per radius
FAR = 9.0  # radii: an edge or a rim that cuts nothing off


@dataclass(frozen=True)
class Outlines:
    """Forms of ``N`` objects in each scene of a batch.

    Attributes:
        radius: ``(B, N)``, in units of the frame's shorter side; it is the unit of the others.
        normals: ``(B, N, EDGES)``, directions of the edges' normals, radians.
        edges: ``(B, N, EDGES)``, distances of the edges from the centre.
        rim: ``(B, N)``, radius of the disc that cuts the polygon's corners off.
        hole: ``(B, N)``, radius of the hole; negative where there is none.
    """

    radius: Tensor
    normals: Tensor
    edges: Tensor
    rim: Tensor
    hole: Tensor

    @classmethod
    def draw(cls, random: CounterRandom, count: int) -> Outlines:
        """Draw discs, rings, quadrilaterals and triangles, sharp and rounded."""
        directions = torch.tensor([[0.0, 0.25, 0.5, 0.75], [0.0, 1 / 3, 2 / 3, 0.0]], device=random.seeds.device)
        is_disc = random.uniform(count) < 0.4
        return cls(
            radius=random.uniform(count, low=math.log(0.05), high=math.log(0.2)).exp(),
            normals=math.tau * directions[random.integers(count, high=2)]
            + random.uniform(count, EDGES, low=-0.25, high=0.25),
            edges=torch.where(is_disc[..., None], FAR, random.uniform(count, EDGES, low=0.55, high=0.85)),
            rim=torch.where(is_disc, 1.0, random.uniform(count, low=0.8, high=2.0)),
            hole=torch.where(random.uniform(count) < 0.2, random.uniform(count, low=0.2, high=0.5), -1.0),
        )


@dataclass(frozen=True)
class Props:
    """The objects of a batch of scenes: forms and colours from the looks, journeys from the motion.

    Attributes:
        outlines: of the ``N`` objects.
        colors: ``(B, N, 2, 2, 3)``: two pairs, between which the colours may change.
        textures: of each object.
        journeys: their motion.
        present: ``(B, N)``, 0 where there is no such object.
    """

    outlines: Outlines
    colors: Tensor
    textures: list[Texture]
    journeys: Journeys
    present: Tensor

    @classmethod
    def draw(cls, look: CounterRandom, motion: CounterRandom, shares: list[float]) -> Props:
        """Draw objects, each of which is there with the probability that ``shares`` has for it."""
        count = len(shares)
        hue, saturation, value = look.uniform(3, count, 2, 2).unbind(1)
        return cls(
            outlines=Outlines.draw(look, count),
            colors=hsv_to_rgb(hue, saturation, 0.1 + 0.9 * value),
            textures=draw_textures(look, count, FREQUENCIES),
            journeys=Journeys.draw(motion, count),
            present=(motion.uniform(count) < torch.tensor(shares, device=hue.device)).float(),
        )

    def place(self, canvas: Canvas, view: View, times: Tensor) -> PlacedProps:
        """Make the objects ready for painting at ``times`` ``(B, T)``."""
        outlines = self.outlines
        center, form, blend = self.journeys.follow(times, canvas.extent)
        form = form * outlines.radius[:, None, :, None, None]
        x, y = canvas.offsets(view.project(center))
        matrix = inverse(view.matrix[:, :, None] @ form)
        normals = torch.stack([outlines.normals.cos(), outlines.normals.sin()], dim=-1)[:, None] @ matrix
        steepness = normals.norm(dim=-1) * canvas.pixel
        (a, b), (c, d) = (row.unbind(-1) for row in matrix.unbind(-2))
        pixels = (a * d - b * c).abs().rsqrt() / canvas.pixel
        return PlacedProps(
            props=self,
            x=x,
            y=y,
            matrix=matrix,
            beyond=linear(
                x[:, :, :, None], y[:, :, :, None], normals / steepness[..., None], -outlines.edges[:, None] / steepness
            ),
            local=linear(x[:, :, :, None], y[:, :, :, None], matrix * pixels[..., None, None]),
            pixels=pixels[..., None, None],
            colors=torch.lerp(self.colors[:, None, :, 0], self.colors[:, None, :, 1], blend[..., None, None]),
        )


@dataclass(frozen=True)
class PlacedProps:
    """The objects at the moments of the canvas.

    Attributes:
        props: the objects.
        x: ``(B, T, N, W)``, distance of each column from each object's centre, and ``y`` of each row.
        y: ``(B, T, N, H)``.
        matrix: ``(B, T, N, 2, 2)``, from the frame to an object's own plane.
        beyond: how far beyond each edge a pixel is, in pixels.
        local: where a pixel is on an object's own plane, in pixels.
        pixels: ``(B, T, N, 1, 1)``, how many of them the object's radius has, in the mean of all directions.
        colors: ``(B, T, N, 2, 3)``.
    """

    props: Props
    x: Tensor
    y: Tensor
    matrix: Tensor
    beyond: Planes
    local: Planes
    pixels: Tensor
    colors: Tensor

    def paint(self, canvas: Canvas, numbers: range) -> None:
        """Paint some of them, the first in front."""
        for number in numbers:
            seen = canvas.take(self._cover(number))
            texture = self.props.textures[number].evaluate_affine(
                self.x[:, :, number], self.y[:, :, number], self.matrix[:, :, number]
            )
            canvas.add_texture(seen, texture, self.colors[:, :, number])

    def _cover(self, number: int) -> Tensor:
        """Share of each pixel that an object covers, ``(B, T, H, W)``."""
        rim, hole, present = (
            values[:, number, None, None, None]
            for values in (self.props.outlines.rim, self.props.outlines.hole, self.props.present)
        )
        outside = self.beyond.at(number, 0)
        for edge in range(1, EDGES):
            torch.maximum(outside, self.beyond.at(number, edge), out=outside)
        distance = self.local.at(number, 0).square_().add_(self.local.at(number, 1).square_()).sqrt_()
        pixels = self.pixels[:, :, number]
        torch.maximum(outside, distance - rim * pixels, out=outside)
        torch.maximum(outside, distance.neg_().add_(hole * pixels), out=outside)
        return outside.neg_().add_(0.5).clamp_(0.0, 1.0).mul_(present)
