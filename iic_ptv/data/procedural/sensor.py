"""What a cheap camera does to the picture: soft focus, exposure, flicker, noise, compression."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from iic_ptv.data.procedural.compression import compress
from iic_ptv.data.procedural.counter_random import CounterRandom, splitmix64

PRIMES = (0x7FEB352D, 0x846CA68B - 2**32)  # of a 32-bit hash (C. Wellons, "Hash Function Prospector"), signed


@dataclass(frozen=True)
class Sensor:
    """The degradations of a batch of scenes, ``(B,)`` each.

    Attributes:
        blur: standard deviation of a Gaussian, in units of the frame's shorter side.
        contrast: factor on the distance from mid-grey.
        brightness: added.
        flicker: amplitude of the brightness that comes and goes; ``flicker_rate`` in radians per frame, ``phase``.
        noise: largest deviation of a value.
        quality: of the compression, as in JPEG.
    """

    blur: Tensor
    contrast: Tensor
    brightness: Tensor
    flicker: Tensor
    flicker_rate: Tensor
    phase: Tensor
    noise: Tensor
    quality: Tensor

    @classmethod
    def draw(cls, random: CounterRandom) -> Sensor:
        """Draw the degradations; most scenes have little of each."""
        return cls(
            blur=0.014 * random.uniform().square(),
            contrast=random.uniform(low=0.65, high=1.2),
            brightness=random.uniform(low=-0.12, high=0.12),
            flicker=0.05 * random.uniform() * (random.uniform() < 0.3),
            flicker_rate=math.tau / random.uniform(low=4.0, high=30.0),
            phase=random.uniform(high=math.tau),
            noise=0.09 * random.uniform().square(),
            quality=random.uniform(low=12.0, high=100.0),
        )

    def expose(self, video: Tensor, seeds: Tensor, times: Tensor) -> Tensor:
        """Degrade ``video`` ``(B, T, 3, H, W)``, whose frames are the moments ``times`` ``(B, T)``; not in place."""
        height, width = video.shape[-2:]
        pixels = self.blur * min(height, width)
        video = _gaussian(height, pixels) @ video @ _gaussian(width, pixels).mT
        wave = (self.flicker_rate[:, None] * times + self.phase[:, None]).sin()
        light = self.brightness[:, None] + self.flicker[:, None] * wave + 0.5 * (1.0 - self.contrast[:, None])
        video.mul_(_spread(self.contrast[:, None])).add_(_spread(light))
        video += _spread(self.noise[:, None]) * noise(seeds, times, (height, width))
        return compress(video.clamp_(0.0, 1.0), self.quality).clamp_(0.0, 1.0)


def _spread(values: Tensor) -> Tensor:
    return values[..., None, None, None]


def _gaussian(side: int, deviation: Tensor) -> Tensor:
    """Blurring of a row of pixels with a deviation ``(B,)`` in pixels, as matrices ``(B, 1, 1, side, side)``."""
    places = torch.arange(side, device=deviation.device)
    squared = (places - places[:, None]).square()
    weights = (-0.5 * squared / deviation.square().clamp(min=1e-2)[:, None, None]).exp()
    return (weights / weights.sum(-1, keepdim=True))[:, None, None]


def noise(seeds: Tensor, times: Tensor, size: tuple[int, int]) -> Tensor:
    """Evenly distributed noise in [-1, 1], ``(B, T, 3, H, W)``; it depends on the seed and the moment alone.

    Args:
        seeds: int64 ``(B,)``.
        times: float32 ``(B, T)``.
        size: height and width.
    """
    moments = (times + 0.0).contiguous().view(torch.int32).long()
    keys = splitmix64(splitmix64(seeds)[:, None] + moments).to(torch.int32)
    pixels = torch.arange(size[0] * size[1], device=seeds.device, dtype=torch.int32).view(size)
    bits = keys[..., None, None] + PRIMES[0] * pixels
    # The finaliser of a hash of 32 bits; int64 has no vector instructions on most processors.
    for shift, prime in zip((16, 15), PRIMES, strict=True):
        bits.bitwise_xor_((bits >> shift) & (2 ** (32 - shift) - 1)).mul_(prime)
    bits.bitwise_xor_((bits >> 16) & 0xFFFF)
    channels = torch.stack([(bits >> shift) & 1023 for shift in (0, 11, 22)], dim=2)
    return channels.float().mul_(2.0 / 1023.0).sub_(1.0)
