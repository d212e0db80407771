"""The usual 8-bit form of optical flow."""

from __future__ import annotations

import torch
from torch import Tensor

BOUND = 20.0  # pixels; what the published TV-L1 flow of UCF101 and HMDB51 is cut off at


def encode_flow(flow: Tensor, bound: float = BOUND) -> Tensor:
    """Map displacements from -bound..bound pixels to 0..255; what goes beyond is cut off.

    Args:
        flow: pixels, of any shape.
        bound: greatest displacement.

    Returns:
        uint8 of the same shape; no motion is 128, as 127.5 is rounded up.

    Example:
        >>> encode_flow(torch.tensor([-30.0, -20.0, 0.0, 10.0, 20.0]))
        tensor([  0,   0, 128, 191, 255], dtype=torch.uint8)
    """
    return flow.clamp(-bound, bound).add(bound).mul(255 / (2 * bound)).round().to(torch.uint8)


def decode_flow(encoded: Tensor, bound: float = BOUND) -> Tensor:
    """Displacements in pixels, float32, from their 8-bit form; off by at most ``bound / 255``."""
    return encoded.float().mul(2 * bound / 255).sub(bound)
