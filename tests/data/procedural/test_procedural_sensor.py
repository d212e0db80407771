import math

import pytest
import torch

from iic_ptv.data.procedural.compression import BLOCK, CHROMA_STEPS, LUMA_STEPS, RGB_TO_YCC, compress
from iic_ptv.data.procedural.counter_random import CounterRandom
from iic_ptv.data.procedural.sensor import Sensor, noise

SMOOTH = 0.5 + 0.2 * torch.stack(
    [(2.0 * torch.linspace(0, 3, 20)[:, None] + k * torch.linspace(0, 1, 27)).sin() for k in range(3)]
).expand(3, 2, 3, 20, 27)


def test_compression_of_high_quality_is_nearly_lossless_and_of_low_quality_is_not() -> None:
    textured = (SMOOTH + 0.1 * torch.rand(SMOOTH.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    errors = (compress(textured, torch.tensor([100.0, 60.0, 10.0])) - textured).abs().mean((1, 2, 3, 4))
    assert errors[0] < 0.004
    assert errors[0] < errors[1] < errors[2]
    assert errors[2] > 0.03


def test_compression_of_one_quality_does_not_depend_on_the_other_videos() -> None:
    together = compress(SMOOTH, torch.tensor([90.0, 50.0, 20.0]))
    assert torch.allclose(together[1:2], compress(SMOOTH[1:2], torch.tensor([50.0])), atol=1e-5)


def test_a_plain_area_keeps_its_colour() -> None:
    plain = torch.tensor([0.2, 0.6, 0.4]).view(1, 1, 3, 1, 1).expand(1, 1, 3, 11, 13)
    assert (compress(plain, torch.tensor([50.0])) - plain).abs().max() < 0.02


def test_a_block_is_transformed_and_rounded_as_jpeg_says() -> None:
    """Against the sums of ITU-T T.81, A.3.3, one coefficient at a time."""
    block = torch.rand(3, BLOCK, BLOCK, generator=torch.Generator().manual_seed(1))
    mixing = torch.tensor(RGB_TO_YCC)
    decoded = torch.zeros(3, BLOCK, BLOCK)
    places = (2.0 * torch.arange(BLOCK) + 1.0) * math.pi / 16.0
    for channel, steps in enumerate((LUMA_STEPS, CHROMA_STEPS, CHROMA_STEPS)):
        values = (mixing[channel][:, None, None] * block).sum(0)
        for u in range(BLOCK):
            for v in range(BLOCK):
                wave = (places * u).cos()[:, None] * (places * v).cos() / 4.0
                wave *= (math.sqrt(0.5) if u == 0 else 1.0) * (math.sqrt(0.5) if v == 0 else 1.0)
                step = steps[u][v] / 255.0
                decoded[channel] += (values * wave).sum().div(step).round() * step * wave
    expected = torch.einsum("ij,jhw->ihw", torch.linalg.inv(mixing), decoded)
    assert torch.allclose(compress(block[None, None], torch.tensor([50.0]))[0, 0], expected, atol=1e-4)


def test_noise_is_even_and_depends_on_seed_moment_and_pixel() -> None:
    seeds, times = torch.arange(4), torch.tensor([0.0, 1.0, 2.5]).expand(4, -1)
    values = noise(seeds, times, (32, 32))
    assert values.shape == (4, 3, 3, 32, 32)
    assert values.abs().max() <= 1.0
    assert values.mean().abs() < 0.02
    assert values.std() == pytest.approx(1.0 / math.sqrt(3.0), rel=0.02)
    correlations = torch.corrcoef(values.flatten(3).flatten(0, 2)) - torch.eye(36)
    assert correlations.abs().max() < 0.15
    neighbours = torch.corrcoef(torch.stack([values[..., 1:].flatten(), values[..., :-1].flatten()]))[0, 1]
    assert neighbours.abs() < 0.02
    assert torch.equal(noise(seeds[2:3], times[2:3, 1:2], (32, 32)), values[2:3, 1:2])


def sensor(**changes: float) -> Sensor:
    perfect = {"contrast": 1.0, "quality": 100.0, "flicker_rate": 1.0}
    return Sensor(**{name: torch.full((3,), {**perfect, **changes}.get(name, 0.0)) for name in Sensor.__annotations__})


def expose(camera: Sensor) -> torch.Tensor:
    return camera.expose(SMOOTH, torch.arange(3), torch.tensor([0.0, 1.0]).expand(3, 2))


def test_a_perfect_camera_leaves_the_picture_as_it_is() -> None:
    assert (expose(sensor()) - SMOOTH).abs().mean() < 0.004


@pytest.mark.parametrize(
    "change", [{"blur": 0.1}, {"contrast": 0.5}, {"brightness": 0.2}, {"noise": 0.2}, {"quality": 5.0}]
)
def test_each_degradation_changes_the_picture(change: dict[str, float]) -> None:
    assert (expose(sensor(**change)) - expose(sensor())).abs().mean() > 0.01


def test_blur_smooths_and_light_shifts() -> None:
    clean = expose(sensor())
    assert expose(sensor(blur=0.1)).diff(dim=-1).abs().mean() < clean.diff(dim=-1).abs().mean()
    assert (expose(sensor(brightness=0.1)) - clean).mean() == pytest.approx(0.1, abs=0.01)


def test_sensors_are_drawn_within_reason() -> None:
    drawn = Sensor.draw(CounterRandom(torch.arange(300)))
    assert drawn.quality.min() >= 1.0
    assert drawn.quality.max() <= 100.0
    assert drawn.noise.median() < 0.04
    assert (drawn.flicker == 0).float().mean() > 0.5
