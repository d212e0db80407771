"""The blocks that compressed video shows: 8 x 8 pixels, a cosine transform, coefficients rounded, as JPEG does."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

BLOCK = 8
# Rows are Y, Cb, Cr (ITU-R BT.601); chroma is centred on 0.
RGB_TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168736, -0.331264, 0.5),
    (0.5, -0.418688, -0.081312),
)
# Steps of quality 50 (ITU-T T.81, Annex K), on a scale of 0 to 255.
LUMA_STEPS = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA_STEPS = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)


def compress(video: Tensor, quality: Tensor) -> Tensor:
    """Give each video the loss that JPEG of this quality has, frame by frame.

    Args:
        video: ``(B, T, 3, H, W)``, RGB in [0, 1]; of any size.
        quality: ``(B,)``, from 1 (hardly anything is left) to 100 (nearly lossless).

    Returns:
        The same shape; values may lie a little outside [0, 1].
    """
    height, width = video.shape[-2:]
    colors = torch.tensor(RGB_TO_YCC, device=video.device)
    padded = functional.pad(video.flatten(1, 2), (0, -width % BLOCK, 0, -height % BLOCK), mode="replicate").unflatten(
        1, video.shape[1:3]
    )
    rows, columns = (_block_cosines(side, video.device) for side in padded.shape[-2:])
    steps = _steps(quality, padded.shape[-2:])
    blocks = rows @ _mix(padded, colors) @ columns.mT
    blocks = blocks.div_(steps).round_().mul_(steps)
    decoded = _mix(rows.mT @ blocks @ columns, torch.linalg.inv(colors))
    return decoded[..., :height, :width]


def _mix(video: Tensor, colors: Tensor) -> Tensor:
    """Apply a matrix to the colours."""
    return (colors @ video.flatten(-2)).unflatten(-1, video.shape[-2:])


def _block_cosines(side: int, device: torch.device) -> Tensor:
    """The orthonormal cosine transform of every block of a row of pixels, one matrix ``(side, side)``."""
    places = torch.arange(BLOCK, device=device)
    cosines = (math.pi / BLOCK * (places + 0.5) * places[:, None]).cos() * math.sqrt(2.0 / BLOCK)
    cosines[0] /= math.sqrt(2.0)
    return torch.kron(torch.eye(side // BLOCK, device=device), cosines)


def _steps(quality: Tensor, size: torch.Size) -> Tensor:
    """Rounding steps ``(B, 1, 3, H, W)`` for values in [0, 1], scaled with the quality as libjpeg does."""
    tables = torch.tensor([LUMA_STEPS, CHROMA_STEPS, CHROMA_STEPS], device=quality.device) / 255.0
    scale = torch.where(quality < 50.0, 50.0 / quality, 2.0 - quality / 50.0).clamp(min=0.01)
    steps = scale[:, None, None, None, None] * tables
    return steps.repeat(1, 1, 1, size[0] // BLOCK, size[1] // BLOCK)
