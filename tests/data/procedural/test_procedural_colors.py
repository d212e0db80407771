import colorsys

import pytest
import torch

from iic_ptv.data.procedural.colors import Palette, hsv_to_rgb
from iic_ptv.data.procedural.counter_random import CounterRandom


def test_hsv_to_rgb_agrees_with_the_standard_library():
    hue, saturation, value = torch.rand(3, 200, generator=torch.Generator().manual_seed(0))
    converted = hsv_to_rgb(hue, saturation, value)
    for i in range(200):
        expected = colorsys.hsv_to_rgb(float(hue[i]), float(saturation[i]), float(value[i]))
        assert converted[i].tolist() == pytest.approx(expected, abs=1e-5)
    assert torch.allclose(hsv_to_rgb(hue - 1.0, saturation, value), converted, atol=1e-5)


def test_the_shape_stands_out_and_the_background_stays_behind():
    palette = Palette.draw(CounterRandom(torch.arange(500)))
    for colors in (palette.shape, palette.background):
        assert colors.shape == (500, 2, 3)
        assert ((colors >= 0.0) & (colors <= 1.0)).all()
    within_shape = (palette.shape[:, 0] - palette.shape[:, 1]).norm(dim=-1)
    within_background = (palette.background[:, 0] - palette.background[:, 1]).norm(dim=-1)
    between = torch.cdist(palette.shape, palette.background).amax((1, 2))
    assert (between > within_background).all()
    assert within_shape.median() > 2.0 * within_background.median()
