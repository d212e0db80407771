"""Outlines of the moving shapes, from one signed distance function.

Every shape is a regular star polygon, perhaps with a round hole: ``corners`` points on the outer circle alternate
with as many on an inner one, and where the inner points lie on the straight lines between their neighbours, the
star is a regular polygon. Folding the plane into the wedge between an inner and an outer point leaves one straight
edge to measure the distance from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Shape:
    """A star polygon; radii are relative to the outer circle.

    Attributes:
        corners: number of points on the outer circle.
        inner_radius: of the points between them; by default such that the edges are straight.
        hole: radius of the hole, if there is one.
    """

    corners: int
    inner_radius: float | None = None
    hole: float | None = None

    def geometry(self) -> tuple[float, float, float, float]:
        """Return ``half_wedge, edge_normal`` (angles) and ``inner_radius, hole`` of the shape whose area is pi."""
        half_wedge = math.pi / self.corners
        inner = math.cos(half_wedge) if self.inner_radius is None else self.inner_radius
        edge_normal = math.atan2(inner - math.cos(half_wedge), math.sin(half_wedge))
        area = self.corners * inner * math.sin(half_wedge) - math.pi * (self.hole or 0.0) ** 2
        outer = math.sqrt(math.pi / area)
        # A hole of negative radius is farther away than any edge.
        return half_wedge, edge_normal, inner * outer, -1.0 if self.hole is None else self.hole * outer


SHAPES: dict[str, Shape] = {
    "disc": Shape(corners=32),
    "ring": Shape(corners=32, hole=0.45),
    "triangle": Shape(corners=3),
    "square": Shape(corners=4),
    "hexagon": Shape(corners=6),
    "nut": Shape(corners=6, hole=0.4),
    "star": Shape(corners=5, inner_radius=0.5),
    "cross": Shape(corners=4, inner_radius=0.45),
}


def coverage(shapes: Tensor, x: Tensor, y: Tensor, angle: Tensor, radius: Tensor, pixel: float) -> Tensor:
    """Share of each pixel that the shape covers.

    Args:
        shapes: int64 ``(B,)``, indices into :data:`SHAPES`.
        x: ``(B, T, W)``, distance of each column from the shape's centre.
        y: ``(B, T, H)``, distance of each row from the shape's centre.
        angle: ``(B, T)``, radians clockwise.
        radius: ``(B, T)``, that of the disc of equal area.
        pixel: side of a pixel, in the same unit of length.

    Returns:
        ``(B, T, H, W)`` in [0, 1]; edges are one pixel wide.
    """
    table = torch.tensor([shape.geometry() for shape in SHAPES.values()], device=x.device)
    half_wedge, edge_normal, inner, hole = table[shapes][:, None, None, None, :].unbind(-1)
    x, y = x[..., None, :], y[..., :, None]
    angle, radius = angle[..., None, None], radius[..., None, None]
    distance = (x.square() + y.square()).sqrt_()
    folded = torch.atan2(y, x).sub_(angle).remainder_(2.0 * half_wedge).sub_(half_wedge).abs_()
    outside_edge = folded.sub_(edge_normal).cos_().mul_(distance).sub_(radius * inner * edge_normal.cos())
    inside_hole = distance.neg_().add_(radius * hole)
    return torch.maximum(outside_edge, inside_hole).div_(-pixel).add_(0.5).clamp_(0.0, 1.0)
