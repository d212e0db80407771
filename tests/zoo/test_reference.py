"""The way back: files that networks with the authors' names load strictly, and that give the same features."""

import re

import pytest
import torch
from authors_files import authors_state, write_pretraining
from authors_networks import authors_network, with_statistics

from iic_ptv.errors import InputError
from iic_ptv.registry import BACKBONES
from iic_ptv.zoo.authors import from_authors, model_state
from iic_ptv.zoo.reference import to_authors, write_reference

WIDTH = 1 / 16
NETWORKS = [
    ("r3d", {}),
    ("r2plus1d", {}),
    ("c3d", {}),
    ("r3d", {"blocks": [2, 1, 3, 1]}),
    ("r2plus1d", {"blocks": [1, 2, 1, 2]}),
]


def theirs(name, options, classes=0):
    torch.manual_seed(3)
    return with_statistics(authors_network(name, WIDTH, options.get("blocks", (1, 1, 1, 1)), classes))


@pytest.mark.parametrize("classes", [0, 5])
@pytest.mark.parametrize(("name", "options"), NETWORKS)
def test_features_are_the_same_in_their_network_and_in_ours(name, options, classes, tmp_path) -> None:
    original = theirs(name, options, classes)
    found = from_authors(original.state_dict())
    ours = BACKBONES.get(name)(num_classes=classes or None, **found.options).eval()
    ours.load_state_dict(found.weights)
    clip = torch.rand(2, 3, 8, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(clip), original(clip), rtol=1e-5, atol=1e-6)

    write_reference(tmp_path / "back.pth", name, found.weights)
    again = authors_network(name, WIDTH, options.get("blocks", (1, 1, 1, 1)), classes).eval()
    again.load_state_dict(torch.load(tmp_path / "back.pth", weights_only=True)["model"], strict=True)
    assert torch.equal(again(clip), original(clip))


@pytest.mark.parametrize("layout", ["pre-trained", "fine-tuned", "bare", "data-parallel", "second version"])
@pytest.mark.parametrize(("name", "options"), NETWORKS)
def test_round_trips_are_exact(name, options, layout, tmp_path) -> None:
    classes = 4 if layout in ("fine-tuned", "bare") else 0
    state = theirs(name, options, classes).state_dict()
    if layout == "pre-trained":
        ours = BACKBONES.get(name)(width=WIDTH, **options)
        ours.load_state_dict(from_authors(state).weights)
        content = torch.load(write_pretraining(tmp_path / "x.pth", ours, name), weights_only=False)
    elif layout == "data-parallel":
        content = {"model": {f"module.{key}": value for key, value in state.items()}}
    elif layout == "second version":
        content = {f"base_network.{key}": value for key, value in state.items()} | {
            "projector.mlp.0.bias": torch.ones(2)
        }
    else:
        content = {"model": state} if layout == "fine-tuned" else state
    back = to_authors(name, from_authors(model_state(content)).weights)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[key], value) and back[key].dtype == value.dtype for key, value in state.items())


def test_half_precision_becomes_float32(tmp_path) -> None:
    ours = BACKBONES.get("r3d")(width=WIDTH).half().state_dict()
    write_reference(tmp_path / "x.pth", "r3d", ours)
    state = torch.load(tmp_path / "x.pth", weights_only=True)["model"]
    assert {value.dtype for value in state.values()} == {torch.float32, torch.int64}


def test_files_are_in_the_format_of_old_versions_of_torch(tmp_path) -> None:
    write_reference(tmp_path / "x.pth", "r3d", BACKBONES.get("r3d")(width=WIDTH).state_dict())
    assert not (tmp_path / "x.pth").read_bytes().startswith(b"PK")  # zip files, which PyTorch 1.3 does not know


def test_what_does_not_fit_is_refused() -> None:
    state = BACKBONES.get("r3d")(width=WIDTH).state_dict()
    with pytest.raises(InputError, match=r"no network 'slow_r50'; theirs are r3d, r2plus1d, c3d"):
        to_authors("slow_r50", state)
    with pytest.raises(InputError, match=r"not of c3d: stem\.conv\.weight is not wanted"):
        to_authors("c3d", state)
    with pytest.raises(InputError, match=r"not of r3d: head\.weight is not wanted\."):
        to_authors("r3d", {**state, "head.weight": torch.ones(1)})
    with pytest.raises(InputError, match=re.escape("not of r3d: layer4.0.bn2.bias is missing.")):
        to_authors("r3d", {name: value for name, value in state.items() if name != "layer4.0.bn2.bias"})


def test_the_helper_of_other_tests_names_layers_alike() -> None:
    ours = BACKBONES.get("r2plus1d")(width=WIDTH, blocks=[1, 2, 1, 1]).state_dict()
    module = BACKBONES.get("r2plus1d")(width=WIDTH, blocks=[1, 2, 1, 1])
    assert authors_state(module, "r2plus1d").keys() == to_authors("r2plus1d", ours).keys()
