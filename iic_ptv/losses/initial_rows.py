"""The rows that memory banks start with: the same ones, whatever part of them a process holds."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from iic_ptv.randomness import seed_of

BLOCK = 4096  # rows that are drawn at a time, with a generator of their own


def draw_seed() -> int:
    """Draw a seed for the rows from PyTorch's global generator."""
    return int(torch.randint(2**63 - 1, ()))


@torch.no_grad()
def fill_with_initial_rows(features: Tensor, seed: int, first: int = 0) -> None:
    """Fill banks, or consecutive rows of them, with rows that are uniform in [-s, s], s = 1 / sqrt(D / 3).

    A row depends on the seed, its bank and its number alone.

    Args:
        features: ``(num_banks, R, D)``, filled in place, on any device.
        seed: of all rows.
        first: the number of the first of the R rows.
    """
    num_banks, num_rows, feature_dim = features.shape
    bound = 1 / math.sqrt(feature_dim / 3)
    end = first + num_rows
    for block in range(first // BLOCK, math.ceil(end / BLOCK)):
        start = BLOCK * block
        wanted = range(max(start, first), min(start + BLOCK, end))
        for bank in range(num_banks):
            generator = torch.Generator().manual_seed(seed_of(seed, bank, block))
            drawn = torch.empty(BLOCK, feature_dim).uniform_(-bound, bound, generator=generator)
            rows = drawn[wanted.start - start : wanted.stop - start]
            features[bank, wanted.start - first : wanted.stop - first] = rows
