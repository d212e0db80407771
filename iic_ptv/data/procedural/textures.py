"""Stripes, checks and band-limited noise, all of them sums of plane waves.

Moving, turning or scaling a plane wave gives another plane wave, so a texture that is attached to a moving shape
is evaluated exactly at every pixel: nothing is resampled, and no texture has an end to run into. And as
``cos(a x + b y)`` separates into rows and columns, a frame of a texture is one matrix product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from iic_ptv.data.procedural.counter_random import CounterRandom, DrawnAhead

NUM_WAVES = 6
RESERVE = 3 * NUM_WAVES + 2  # random numbers that a texture takes
# Amplitudes of the waves; each row has unit variance. Two crossed waves of one frequency make checks.
KINDS = {
    "noise": [math.sqrt(2.0 / NUM_WAVES)] * NUM_WAVES,
    "stripes": [math.sqrt(2.0)] + [0.0] * (NUM_WAVES - 1),
    "checks": [1.0, 1.0] + [0.0] * (NUM_WAVES - 2),
}


@dataclass(frozen=True)
class Texture:
    """A pattern on the infinite plane, for each video of a batch.

    Attributes:
        wave_vectors: ``(B, K, 2)``, (x, y) in cycles per unit of length.
        phases: ``(B, K)``, radians.
        amplitudes: ``(B, K)``.
        sharpness: ``(B,)``, slope of the transition between the two colours.
    """

    wave_vectors: Tensor
    phases: Tensor
    amplitudes: Tensor
    sharpness: Tensor

    @classmethod
    def draw(cls, random: CounterRandom, frequencies: tuple[float, float]) -> Texture:
        """Draw one texture per video.

        Args:
            random: source of randomness of the batch.
            frequencies: the lowest and the highest, in cycles per unit of length.
        """
        frequency = random.uniform(NUM_WAVES, low=frequencies[0], high=frequencies[1])
        direction = random.uniform(NUM_WAVES, high=math.tau)
        amplitudes = torch.tensor(list(KINDS.values()), device=frequency.device)[random.integers(high=len(KINDS))]
        # The waves of noise are independent; those of a regular pattern share a frequency and cross at right angles.
        regular = amplitudes[:, -1:] == 0.0
        right_angles = torch.arange(NUM_WAVES, device=frequency.device) * (math.pi / 2.0)
        frequency = torch.where(regular, frequency[:, :1], frequency)
        direction = torch.where(regular, direction[:, :1] + right_angles, direction)
        return cls(
            wave_vectors=torch.stack([frequency * direction.cos(), frequency * direction.sin()], dim=-1),
            phases=random.uniform(NUM_WAVES, high=math.tau),
            amplitudes=amplitudes,
            sharpness=random.uniform(low=2.0, high=6.0),
        )

    def evaluate(self, x: Tensor, y: Tensor, angle: Tensor, scale: Tensor) -> Tensor:
        """Evaluate the texture on a grid of pixels, after turning and enlarging it about its origin.

        Args:
            x: ``(B, T, W)``, distance of each column from the texture's origin.
            y: ``(B, T, H)``, distance of each row from the texture's origin.
            angle: ``(B, T)``, radians clockwise.
            scale: ``(B, T)``, the length that the texture's unit of length has in the frame.

        Returns:
            ``(B, T, H, W)`` in [0, 1], the mixing weight of the second colour.
        """
        return self._evaluate(x, y, *self._waves_in_frame(angle, scale))

    def evaluate_affine(self, x: Tensor, y: Tensor, matrix: Tensor) -> Tensor:
        """Evaluate the texture after any linear transformation about its origin.

        Args:
            x: ``(B, T, W)``, distance of each column from the texture's origin.
            y: ``(B, T, H)``, distance of each row from the texture's origin.
            matrix: ``(B, T, 2, 2)``, from distances in the frame to those on the texture.

        Returns:
            ``(B, T, H, W)`` in [0, 1], the mixing weight of the second colour.
        """
        wave_x, wave_y = (math.tau * self.wave_vectors[:, None] @ matrix).unbind(-1)
        return self._evaluate(x, y, wave_x, wave_y)

    def _evaluate(self, x: Tensor, y: Tensor, wave_x: Tensor, wave_y: Tensor) -> Tensor:
        """Sum up waves whose vectors in the frame are ``(B, T, K)``, in radians per unit of length."""
        columns = wave_x[..., None] * x[..., None, :]
        rows = wave_y[..., None] * y[..., None, :] + self.phases[:, None, :, None]
        amplitudes = self.amplitudes[:, None, :, None]
        row_factors = torch.cat([amplitudes * rows.cos(), -amplitudes * rows.sin()], dim=2)
        column_factors = torch.cat([columns.cos(), columns.sin()], dim=2)
        waves = row_factors.transpose(2, 3) @ column_factors
        return waves.mul_(self.sharpness[:, None, None, None]).sigmoid_()

    def _waves_in_frame(self, angle: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Wave vectors in radians per unit of the frame's length, x and y parts ``(B, T, K)``."""
        cos, sin = (math.tau / scale * angle.cos())[..., None], (math.tau / scale * angle.sin())[..., None]
        x, y = self.wave_vectors[:, None].unbind(-1)
        return cos * x - sin * y, sin * x + cos * y


def draw_textures(random: CounterRandom, count: int, frequencies: tuple[float, float]) -> list[Texture]:
    """Draw ``count`` textures per video, all at once: for each of them what :meth:`Texture.draw` gives."""
    together = Texture.draw(DrawnAhead(random.more_seeds(count), RESERVE), frequencies)
    parts = [getattr(together, field.name).unflatten(0, (-1, count)).unbind(1) for field in fields(Texture)]
    return [Texture(*values) for values in zip(*parts, strict=True)]
