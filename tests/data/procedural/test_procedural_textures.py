import math

import pytest
import torch

from iic_ptv.data.procedural.counter_random import CounterRandom
from iic_ptv.data.procedural.textures import KINDS, Texture

BATCH, FRAMES, WIDTH, HEIGHT = 24, 3, 9, 7


@pytest.fixture
def texture() -> Texture:
    return Texture.draw(CounterRandom(torch.arange(BATCH)), (1.0, 3.0))


def test_a_texture_is_the_squashed_sum_of_its_turned_and_enlarged_waves(texture):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(BATCH, FRAMES, WIDTH, generator=generator)
    y = torch.rand(BATCH, FRAMES, HEIGHT, generator=generator)
    angle = torch.rand(BATCH, FRAMES, generator=generator) * math.tau
    scale = 0.5 + torch.rand(BATCH, FRAMES, generator=generator)
    values = texture.evaluate(x, y, angle, scale)
    assert values.shape == (BATCH, FRAMES, HEIGHT, WIDTH)
    for b, t, row, column in [(0, 0, 0, 0), (5, 1, 3, 8), (11, 2, 6, 4), (23, 1, 2, 2)]:
        a, px, py = float(angle[b, t]), float(x[b, t, column]), float(y[b, t, row])
        # Undo the turn and the enlargement: where on the texture does the pixel look?
        u = (math.cos(a) * px + math.sin(a) * py) / float(scale[b, t])
        v = (-math.sin(a) * px + math.cos(a) * py) / float(scale[b, t])
        waves = sum(
            float(amplitude) * math.cos(math.tau * (float(k[0]) * u + float(k[1]) * v) + float(phase))
            for k, phase, amplitude in zip(
                texture.wave_vectors[b], texture.phases[b], texture.amplitudes[b], strict=True
            )
        )
        expected = 1.0 / (1.0 + math.exp(-float(texture.sharpness[b]) * waves))
        assert float(values[b, t, row, column]) == pytest.approx(expected, abs=1e-4)


def test_frequencies_stay_in_their_band(texture):
    frequencies = texture.wave_vectors.norm(dim=-1)
    assert frequencies.min() >= 1.0 - 1e-5
    assert frequencies.max() <= 3.0 + 1e-5


def test_every_kind_occurs_and_both_colours_are_used_alike(texture):
    kinds = {tuple(round(float(a), 4) for a in amplitudes) for amplitudes in texture.amplitudes}
    assert len(kinds) == len(KINDS)
    axis = torch.linspace(0.0, 20.0, 200).expand(BATCH, 1, -1)
    values = texture.evaluate(axis, axis, torch.zeros(BATCH, 1), torch.ones(BATCH, 1))
    assert ((values >= 0.0) & (values <= 1.0)).all()
    assert torch.allclose(values.mean((1, 2, 3)), torch.tensor(0.5), atol=0.1)


def test_checks_are_waves_that_cross_at_right_angles(texture):
    checks = (texture.amplitudes == torch.tensor(KINDS["checks"])).all(1)
    first, second = texture.wave_vectors[checks, 0], texture.wave_vectors[checks, 1]
    assert torch.allclose((first * second).sum(1), torch.zeros(len(first)), atol=1e-4)
    assert torch.allclose(first.norm(dim=1), second.norm(dim=1))
