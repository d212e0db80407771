import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from iic_ptv.errors import InputError
from iic_ptv.evaluation.sprites import film_strip_sprite


def decoded(sprite):
    header, data = sprite.uri.split(",")
    assert header == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def grey_clip(levels, height=16, width=24):
    """A clip whose every frame is one level of grey."""
    return torch.tensor(levels).view(1, -1, 1, 1).expand(3, -1, height, width)


def test_frames_stand_side_by_side_in_order():
    levels = [0.1, 0.3, 0.5, 0.9]
    sprite = film_strip_sprite(grey_clip(levels))
    image = decoded(sprite)
    assert image.shape == (16, 4 * 24, 3)
    assert (sprite.frames, sprite.aspect) == (4, 1.5)
    centres = image[8, 12::24].mean(axis=1) / 255
    np.testing.assert_allclose(centres, levels, atol=0.03)


def test_long_clips_are_sampled_evenly_from_first_to_last():
    sprite = film_strip_sprite(grey_clip([t / 31 for t in range(32)], width=16))
    centres = decoded(sprite)[8, 8::16].mean(axis=1) / 255
    np.testing.assert_allclose(centres, np.linspace(0, 1, 8).round(2), atol=0.05)


def test_high_frames_are_scaled_down_in_proportion():
    sprite = film_strip_sprite(torch.rand(3, 2, 224, 448))
    assert decoded(sprite).shape == (112, 2 * 224, 3)
    assert sprite.aspect == 2


def test_bytes_and_fractions_give_the_same_image():
    clip = torch.randint(256, (3, 5, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert film_strip_sprite(clip) == film_strip_sprite(clip / 255)


def test_values_beyond_the_range_are_clipped():
    np.testing.assert_allclose(decoded(film_strip_sprite(grey_clip([-0.5, 1.5])))[8, 12::24, 0], [0, 255], atol=3)


@pytest.mark.parametrize("shape", [(8, 16, 16, 3), (1, 8, 16, 16), (3, 16, 16), (3, 0, 16, 16)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match=r"\(3, T, H, W\)"):
        film_strip_sprite(torch.zeros(shape))
