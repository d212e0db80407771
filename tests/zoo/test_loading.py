"""Weights go into the network they are of, with or without their classifier, and into no other."""

from dataclasses import replace

import pytest
import torch

from iic_ptv.errors import InputError
from iic_ptv.models import c3d, r3d
from iic_ptv.zoo.build import build_network
from iic_ptv.zoo.description import ClipFormat, NetworkDescription
from iic_ptv.zoo.loading import load_into, same_weights
from iic_ptv.zoo.weights_file import WeightsFile

WIDTH = 0.0625
NETWORK = NetworkDescription("r3d", {"width": WIDTH}, ("rgb", "residual"), ClipFormat(4, 1, (16, 16), 16))
CLIP = torch.rand(2, 3, 4, 16, 16, generator=torch.Generator().manual_seed(0))


def trained(num_classes: int | None = None) -> torch.nn.Module:
    network = r3d(width=WIDTH, num_classes=num_classes)
    with torch.no_grad():
        network(CLIP)  # statistics of BatchNorm that are not those of a new network
    return network.eval()


def weights_of(*networks: torch.nn.Module) -> WeightsFile:
    states = tuple(network.state_dict() for network in networks)
    return WeightsFile(replace(NETWORK, num_networks=len(states)), states)


def test_the_whole_network_is_built_with_its_classifier() -> None:
    network = trained(num_classes=3)
    built = build_network(weights_of(network), num_classes=3)
    assert torch.equal(built(CLIP), network(CLIP))
    assert not built.training


def test_without_classes_the_classifier_is_left_out() -> None:
    network = trained(num_classes=3)
    built = build_network(weights_of(network))
    network.classifier = None
    assert torch.equal(built(CLIP), network(CLIP))
    assert build_network(weights_of(network), features="map").features == "map"


@pytest.mark.parametrize(("held", "wanted"), [(3, 5), (None, 5)])
def test_other_classes_get_a_new_classifier_and_it_is_said(held, wanted) -> None:
    network = trained(held)
    with pytest.warns(UserWarning, match=f"that of {wanted} classes is new"):
        built = build_network(weights_of(network), num_classes=wanted)
    assert torch.equal(built.feature_map(CLIP), network.feature_map(CLIP))
    assert built(CLIP).shape == (2, wanted)


@pytest.mark.parametrize("num_classes", [None, 3])
def test_nothing_is_said_where_nothing_is_new(num_classes, recwarn) -> None:
    load_into(r3d(width=WIDTH, num_classes=num_classes), weights_of(trained(3)), num_classes)
    assert not recwarn.list


def test_weights_in_float16_give_a_network_in_float32_that_computes_nearly_the_same() -> None:
    network = trained()
    built = build_network(weights_of(network).half())
    assert {parameter.dtype for parameter in built.parameters()} == {torch.float32}
    expected = network(CLIP)
    assert not torch.equal(built(CLIP), expected)
    assert (built(CLIP) - expected).norm() < 2e-3 * expected.norm()


def test_each_view_gets_its_network() -> None:
    networks = [trained(), trained()]
    for number, network in enumerate(networks):
        assert torch.equal(build_network(weights_of(*networks), number)(CLIP), network(CLIP))
    with pytest.raises(InputError, match="of 2 networks; there is no number 2"):
        build_network(weights_of(*networks), 2)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            c3d(width=WIDTH),
            r"of another network, r3d with the options \{'width': 0\.0625\}: layer1\.0\.conv\.weight is missing",
        ),
        (r3d(width=0.125), r"stem\.conv\.weight is \(4, 3, 3, 7, 7\) instead of \(8, 3, 3, 7, 7\); .* more"),
    ],
)
def test_another_network_is_refused_and_left_as_it_was(network, message) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(InputError, match=message):
        load_into(network, weights_of(trained()))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_missing_weight_is_named() -> None:
    weights = weights_of(trained())
    del weights.networks[0]["stem.bn.running_var"]
    with pytest.raises(InputError, match=r"stem\.bn\.running_var is missing"):
        build_network(weights)


def test_options_that_the_architecture_does_not_have_are_named() -> None:
    weights = replace(weights_of(trained()), network=replace(NETWORK, options={"depth": 4}))
    with pytest.raises(InputError, match=r"r3d with the options .*depth.*cannot be built"):
        build_network(weights)


def test_the_same_weights_are_told_from_others() -> None:
    first, second = weights_of(trained()), weights_of(trained())
    assert same_weights(first, weights_of(build_network(first)))
    assert not same_weights(first, second)
    assert not same_weights(first, replace(first, network=replace(NETWORK, views=("rgb",))))
