"""The views: residual frames, RGB and optical flow."""

import pytest
import torch

from iic_ptv.errors import InputError
from iic_ptv.registry import VIEWS
from iic_ptv.transforms import RGB, Residual, flow_channel, residual


def test_scaled_residual_frame_by_frame() -> None:
    clip = torch.rand(2, 3, 5, 4, 4)
    result = residual(clip)
    for t in range(5):
        assert torch.allclose(result[:, :, t], (clip[:, :, t] - clip[:, :, t - 1] + 1) / 2)
    assert result.min() >= 0
    assert result.max() <= 1


def test_unscaled_residual_sums_to_nothing_around_the_cycle() -> None:
    clip = torch.rand(2, 3, 5, 4, 4, dtype=torch.float64)
    result = residual(clip, scaled=False)
    assert torch.allclose(result.sum(dim=2), torch.zeros(2, 3, 4, 4, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(residual(clip), (result + 1) / 2)


def test_open_residual_repeats_its_second_frame() -> None:
    clip = torch.rand(3, 5, 4, 4)
    result = residual(clip, scaled=False, cyclic=False)
    assert result.shape == clip.shape
    assert torch.equal(result[:, 1:], clip[:, 1:] - clip[:, :-1])
    assert torch.equal(result[:, 0], result[:, 1])


@pytest.mark.parametrize("cyclic", [True, False])
def test_a_still_clip_has_a_grey_residual(cyclic: bool) -> None:
    still = torch.rand(3, 1, 4, 4).expand(3, 6, 4, 4)
    assert torch.equal(residual(still, cyclic=cyclic), torch.full((3, 6, 4, 4), 0.5))
    assert torch.equal(residual(still[:, :1], cyclic=cyclic), torch.full((3, 1, 4, 4), 0.5))


def test_residual_is_differentiable() -> None:
    clip = torch.rand(1, 2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(Residual(), clip)


def test_residual_refuses_bytes_that_would_wrap_around() -> None:
    with pytest.raises(InputError, match="floating-point"):
        residual(torch.zeros(3, 4, 2, 2, dtype=torch.uint8))


def test_rgb_is_the_clip() -> None:
    clip = torch.rand(3, 4, 2, 2)
    assert RGB()(clip) is clip


@pytest.mark.parametrize(("name", "component"), [("flow_u", 0), ("flow_v", 1)])
def test_flow_views_repeat_one_component(name: str, component: int) -> None:
    flow = torch.rand(2, 2, 4, 3, 3)
    view = VIEWS.get(name)()
    assert view.modality_key == "flow"
    assert torch.equal(view(flow), flow[:, component : component + 1].repeat(1, 3, 1, 1, 1))


def test_flow_refuses_other_channels() -> None:
    with pytest.raises(InputError, match="two channels"):
        flow_channel(torch.rand(3, 4, 2, 2))
    with pytest.raises(InputError, match="'w'"):
        flow_channel(torch.rand(2, 4, 2, 2), "w")


@pytest.mark.parametrize("name", VIEWS.names())
def test_every_view_takes_clips_and_batches(name: str) -> None:
    view = VIEWS.get(name)()
    channels = {"video": 3, "flow": 2}[view.modality_key]
    batch = torch.rand(2, channels, 4, 6, 6)
    result = view(batch)
    assert result.shape == (2, 3, 4, 6, 6)
    for clip, alone in zip(batch, result, strict=True):
        assert torch.equal(view(clip), alone)
