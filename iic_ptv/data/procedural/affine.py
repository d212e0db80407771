"""Linear transformations of the plane, as batches of 2 x 2 matrices."""

from __future__ import annotations

import torch
from torch import Tensor


def transformation(turn: Tensor, shear: Tensor, width: Tensor, height: Tensor) -> Tensor:
    """Stretch to ``width`` and ``height``, then shear along x, then turn (radians clockwise): ``(..., 2, 2)``."""
    along = torch.stack([turn.cos(), turn.sin()], dim=-1)
    across = torch.stack([-along[..., 1], along[..., 0]], dim=-1)
    sheared = across + shear[..., None] * along
    return torch.stack([along * width[..., None], sheared * height[..., None]], dim=-1)


def inverse(matrix: Tensor) -> Tensor:
    """Invert matrices ``(..., 2, 2)``."""
    (a, b), (c, d) = (row.unbind(-1) for row in matrix.unbind(-2))
    adjoint = torch.stack([torch.stack([d, -b], dim=-1), torch.stack([-c, a], dim=-1)], dim=-2)
    return adjoint / (a * d - b * c)[..., None, None]
