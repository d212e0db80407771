"""Random numbers without state: each is a function of its video's seed and of a counter, and of nothing else.

So a video looks the same whichever batch it is rendered in, on whichever device, and the numbers of a
whole batch still come from a handful of tensor operations.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

# SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014), as signed int64.
GOLDEN_GAMMA = 0x9E3779B97F4A7C15 - 2**64
MULTIPLIERS = (0xBF58476D1CE4E5B9 - 2**64, 0x94D049BB133111EB - 2**64)

LOOKS = 0x5EED0F100C5
"""Exclusive or with a seed gives one for looks, whose random numbers have nothing to do with those of the motion."""


def splitmix64(state: Tensor) -> Tensor:
    """Scramble int64 ``state``, element by element, such that consecutive states give unrelated bits."""
    state = (state ^ _shift_right(state, 30)) * MULTIPLIERS[0]
    state = (state ^ _shift_right(state, 27)) * MULTIPLIERS[1]
    return state ^ _shift_right(state, 31)


def _shift_right(bits: Tensor, count: int) -> Tensor:
    """Shift in zeros; the operator ``>>`` of a signed tensor would copy the sign."""
    return (bits >> count) & (2 ** (64 - count) - 1)


class CounterRandom:
    """Uniform random numbers for a batch of videos.

    The counter moves on with every call, so the numbers depend on the order of the calls, and on
    nothing but the video's own seed besides.

    Args:
        seeds: int64 ``(B,)``, the seed of each video.
    """

    def __init__(self, seeds: Tensor) -> None:
        self.seeds = splitmix64(seeds)
        self.count = 0

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Draw float32 numbers ``(B, *shape)`` in ``[low, high)``."""
        count = math.prod(shape)
        counters = torch.arange(self.count + 1, self.count + count + 1, device=self.seeds.device)
        self.count += count
        bits = splitmix64(self.seeds[:, None] + counters * GOLDEN_GAMMA)
        fractions = _shift_right(bits, 40).float() / 2**24
        return (low + (high - low) * fractions).view(-1, *shape)

    def integers(self, *shape: int, high: int) -> Tensor:
        """Draw int64 numbers ``(B, *shape)`` in ``0 .. high - 1``."""
        return self.uniform(*shape, high=float(high)).long().clamp_(max=high - 1)

    def signs(self, *shape: int) -> Tensor:
        """Draw -1 or +1, ``(B, *shape)``, as float32."""
        return self.integers(*shape, high=2) * 2.0 - 1.0

    def more_seeds(self, count: int) -> Tensor:
        """Draw seeds for ``count`` things of every video, int64 ``(B * count,)``."""
        counters = torch.arange(self.count + 1, self.count + count + 1, device=self.seeds.device)
        self.count += count
        return (self.seeds[:, None] ^ splitmix64(counters)).flatten()


class DrawnAhead(CounterRandom):
    """The same numbers, the first ``reserve`` of them made at once: for a scene that draws many, few at a time."""

    def __init__(self, seeds: Tensor, reserve: int) -> None:
        super().__init__(seeds)
        self.reserve = super().uniform(reserve)
        self.count = 0

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Draw float32 numbers ``(B, *shape)`` in ``[low, high)``."""
        end = self.count + math.prod(shape)
        if end > self.reserve.shape[1]:
            return super().uniform(*shape, low=low, high=high)
        fractions = self.reserve[:, self.count : end].reshape(-1, *shape)
        self.count = end
        return fractions if (low, high) == (0.0, 1.0) else low + (high - low) * fractions
