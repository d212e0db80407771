"""The pinned clip: the same weights have the same features of it, and others do not."""

import math
from dataclasses import replace

import pytest
import torch

from iic_ptv.models import r3d
from iic_ptv.runs.zoo.pinned import deviation, pin_clip, rendered_clip
from iic_ptv.zoo.build import build_network
from iic_ptv.zoo.description import ClipFormat, NetworkDescription
from iic_ptv.zoo.weights_file import WeightsFile

WIDTH = 0.0625


def made(*views: str, seed: int = 0, num_networks: int = 1, normalized: bool = False) -> WeightsFile:
    torch.manual_seed(seed)
    clip = ClipFormat(4, 2, (20, 20), 16, normalized)
    network = NetworkDescription("r3d", {"width": WIDTH}, views, clip, num_networks)
    return WeightsFile(network, tuple(r3d(width=WIDTH).state_dict() for _ in range(num_networks)))


def test_features_are_those_of_the_rendered_clip() -> None:
    weights = made("rgb", "residual")
    pinned = pin_clip(weights)
    clip = rendered_clip(weights.network, pinned.motion, pinned.seed, "rgb")
    assert clip.shape == (1, 3, 4, 16, 16)
    with torch.no_grad():
        features = build_network(weights)(clip)[0]
    assert pinned.view == "rgb"
    assert pinned.features == pytest.approx(features[:8].tolist(), rel=1e-5)
    assert pinned.norm == pytest.approx(float(features.norm()), rel=1e-5)


def test_the_same_weights_agree_and_others_do_not() -> None:
    weights = made("rgb", "residual")
    pinned = pin_clip(weights)
    assert deviation(pinned, weights) <= pinned.tolerance
    assert 0 < deviation(pinned, weights.half()) < 0.05
    assert deviation(pinned, made("rgb", "residual", seed=1)) > pinned.tolerance
    assert deviation(replace(pinned, norm=2 * pinned.norm), weights) > pinned.tolerance
    weights.networks[0]["stem.conv.weight"][0] = math.nan
    assert deviation(pinned, weights) == math.inf


@pytest.mark.parametrize(
    ("views", "view"),
    [(("residual_unscaled",), "residual_unscaled"), (("flow_u", "rgb"), "rgb"), (("flow_u", "flow_v"), "rgb")],
)
def test_it_is_seen_as_a_view_that_needs_no_flow(views, view) -> None:
    weights = made(*views)
    pinned = pin_clip(weights)
    assert pinned.view == view
    assert deviation(pinned, weights) <= pinned.tolerance


def test_of_a_network_for_each_view_that_of_the_view_is_taken() -> None:
    weights = made("flow_u", "rgb", num_networks=2)
    second = replace(weights, networks=weights.networks[1:], network=replace(weights.network, num_networks=1))
    assert pin_clip(weights) == pin_clip(second)


def test_a_clip_is_normalised_where_those_of_the_training_were() -> None:
    plain, normalised = (rendered_clip(made("rgb", normalized=n).network, "bounce", 0, "rgb") for n in (False, True))
    assert 0 <= plain.min() < plain.max() <= 1
    assert normalised.min() < 0
