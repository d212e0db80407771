"""The authors' names for the layers of a network: files in their layouts, built from our backbones, come back whole."""

import re

import pytest
import torch
from authors_files import authors_state

from iic_ptv.errors import InputError
from iic_ptv.registry import BACKBONES
from iic_ptv.zoo.authors import backbone_of, from_authors, is_authors, model_state

NAMES = ("r3d", "r2plus1d", "c3d")
WIDTH = 1 / 16


def network(name: str, **options):
    torch.manual_seed(0)
    built = BACKBONES.get(name)(width=WIDTH, **options)
    for module in built.modules():  # statistics that differ from those of a fresh network
        if isinstance(module, torch.nn.BatchNorm3d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    return built.eval()


@pytest.mark.parametrize("prefix", ["", "module.", "base_network.", "module.base_network."])
@pytest.mark.parametrize("name", NAMES)
def test_features_are_the_same_after_a_round_trip(name, prefix) -> None:
    ours = network(name)
    theirs = {f"{prefix}{key}": value for key, value in authors_state(ours, name).items()}
    found = from_authors(model_state({"model": theirs, "epoch": 240}))
    assert (found.backbone, found.options) == (name, {"width": WIDTH})
    assert found.projector == {}

    loaded = BACKBONES.get(found.backbone)(**found.options).eval()
    loaded.load_state_dict(found.weights)
    clip = torch.rand(2, 3, 8, 32, 32)
    assert torch.equal(loaded(clip), ours(clip))


def test_names_are_those_of_the_authors() -> None:
    """Names that are spelt out in the description of their files."""
    r3d, r2plus1d, c3d = (authors_state(network(name, num_classes=5), name) for name in NAMES)
    assert {
        "conv1.temporal_spatial_conv.weight",
        "bn1.running_mean",
        "conv2.block1.conv1.temporal_spatial_conv.weight",
        "conv2.block1.bn1.weight",
        "conv3.block1.downsampleconv.temporal_spatial_conv.weight",
        "conv3.block1.downsamplebn.bias",
        "linear.weight",
    } <= r3d.keys()
    assert {
        "conv1.spatial_conv.weight",
        "conv1.bn.weight",
        "conv1.temporal_conv.weight",
        "conv5.block1.conv2.temporal_conv.weight",
    } <= r2plus1d.keys()
    assert {"conv1.weight", "bn1.weight", "conv3b.bias", "bn5b.running_var", "linear.bias"} <= c3d.keys()


@pytest.mark.parametrize("name", NAMES)
def test_the_classifier_comes_along(name) -> None:
    ours = network(name, num_classes=5)
    found = from_authors(authors_state(ours, name))
    loaded = network(name, num_classes=5)
    loaded.load_state_dict(found.weights)
    clip = torch.rand(2, 3, 4, 32, 32)
    assert torch.equal(loaded(clip), ours(clip))


@pytest.mark.parametrize("name", NAMES)
def test_full_width_and_rgb_need_no_options_and_other_inputs_do(name) -> None:
    with torch.device("meta"):
        for options in ({}, {"in_channels": 2}):
            state = authors_state(BACKBONES.get(name)(**options), name)
            assert from_authors(state).options == options


def test_the_projector_of_the_second_version_is_kept_apart() -> None:
    state = {
        **{f"base_network.{key}": value for key, value in authors_state(network("r3d"), "r3d").items()},
        **{f"projector.mlp.{n}.{part}": torch.zeros(2) for n in (0, 2) for part in ("weight", "bias")},
    }
    found = from_authors(model_state(state))
    assert set(found.projector) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    assert set(found.weights) == set(network("r3d").state_dict())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("odd", ["conv2.blocks.0.bn1.weight", "conv9.weight", "fc.weight", "conv1.bn.extra"])
def test_what_has_no_place_is_listed(name, odd) -> None:
    state = {**authors_state(network(name), name), odd: torch.zeros(1)}
    with pytest.raises(InputError, match=re.escape(f"that has no {odd}")):
        from_authors(state)


@pytest.mark.parametrize("blocks", [[1, 1, 2, 1], [2, 2, 2, 2], [3, 4, 6, 3]])
@pytest.mark.parametrize("name", ["r3d", "r2plus1d"])
def test_several_blocks_of_a_stage(name, blocks) -> None:
    ours = network(name, blocks=blocks, num_classes=3)
    theirs = authors_state(ours, name)
    assert f"conv4.blocks.{blocks[2] - 2}.bn2.weight" in theirs
    found = from_authors(theirs)
    assert found.options == {"width": WIDTH, "blocks": blocks}
    assert list(found.weights) == list(ours.state_dict())
    assert all(torch.equal(found.weights[key], value) for key, value in ours.state_dict().items())


@pytest.mark.parametrize("width", [1 / 64, 0.1, 0.125, 0.3, 0.35, 0.5, 1.0, 1.37])
@pytest.mark.parametrize("name", NAMES)
def test_any_width_is_told_from_the_shapes(name, width) -> None:
    with torch.device("meta"):
        ours = BACKBONES.get(name)(width=width)
        options = from_authors(authors_state(ours, name)).options
        again = BACKBONES.get(name)(**options)
    assert {key: value.shape for key, value in again.state_dict().items()} == {
        key: value.shape for key, value in ours.state_dict().items()
    }


def test_stages_that_no_width_makes_are_refused() -> None:
    with torch.device("meta"):
        state = authors_state(BACKBONES.get("r3d")(), "r3d")
        state["conv5.block1.bn2.weight"] = torch.zeros(200)
    with pytest.raises(InputError, match=r"64, 128, 256, 200 channels are not 64, 128, 256, 512 times one factor"):
        from_authors(state)


@pytest.mark.parametrize("missing", ["conv3.block1.bn2.running_var", "linear.bias", "conv2.blocks.0.bn1.weight"])
def test_what_lacks_is_listed(missing) -> None:
    state = authors_state(network("r3d", num_classes=3, blocks=[2, 1, 1, 1]), "r3d")
    del state[missing]
    with pytest.raises(InputError, match=re.escape(f"they lack {missing}")):
        from_authors(state)


def test_names_that_differ_by_a_prefix_alone_do_not_hide_each_other() -> None:
    assert model_state({"module.bn1.weight": torch.ones(1), "bn1.weight": torch.zeros(1)}) is None


def test_networks_of_others_are_none_of_theirs() -> None:
    state = network("r3d").state_dict()
    assert not is_authors(state)
    assert backbone_of(state) is None
    with pytest.raises(InputError, match=r"not of a network of IIC's authors.*stem\.conv\.weight"):
        from_authors(state)


@pytest.mark.parametrize(
    "content", [None, [], {}, {"epoch": 3}, {"model": None}, {"model": {"a": 1}}, {"model": {1: torch.ones(1)}}]
)
def test_contents_without_a_network_are_told(content) -> None:
    assert model_state(content) is None
