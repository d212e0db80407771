"""Published weights as torchvision has its own: names, facts, transform, state."""

from pathlib import Path

import pytest
import torch
from published_checkpoint import NAME, OPTIONS, publish_checkpoint

from iic_ptv.errors import InputError
from iic_ptv.models import r3d
from iic_ptv.zoo import catalogue, get_weights, list_weights
from iic_ptv.zoo.build import build_network


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    package = tmp_path_factory.mktemp("package")
    publish_checkpoint(package / "model_zoo")
    return package


@pytest.fixture(autouse=True)
def installed(package, monkeypatch) -> None:
    monkeypatch.setattr(catalogue, "PACKAGE", package)


def test_names_are_listed_by_architecture() -> None:
    assert list_weights() == list_weights("r3d") == [NAME]
    assert list_weights("c3d") == []


def test_facts_have_torchvisions_names() -> None:
    weights = get_weights(NAME)
    assert weights.name == NAME
    meta = weights.meta
    assert {"num_params", "categories", "_metrics", "_ops", "_file_size", "_docs"} <= set(meta)
    assert (meta["min_size"], meta["min_temporal_size"]) == ((16, 16), 4)
    assert meta["_file_size"] == pytest.approx(weights.path().stat().st_size / 1e6)


def test_the_transform_makes_what_the_network_takes() -> None:
    weights = get_weights(NAME)
    clips = weights.transforms(num_clips=3)(torch.randint(256, (3, 9, 30, 40), dtype=torch.uint8))
    assert clips.shape == (3, 3, 4, 16, 16)
    assert 0 <= clips.min() < clips.max() <= 1
    assert build_network(weights.load())(clips).shape == (3, 32)


def test_the_state_fits_the_network() -> None:
    network = r3d(**OPTIONS)
    state = get_weights(NAME).get_state_dict()
    network.load_state_dict(state)
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_an_unknown_name_is_answered_with_those_that_are_there() -> None:
    with pytest.raises(InputError, match=rf"no checkpoint 'r3d\.big'.*{NAME}"):
        get_weights("r3d.big")
