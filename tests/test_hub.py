"""torch.hub, from a clone: every network, its weights, its options, and its clips."""

import functools
import sys
from pathlib import Path

import pytest
import torch
from http_server import serving
from small_zoo import FEATURE_DIM, WIDTH, SmallZoo, embedded, small_networks, small_zoo, weights_of

from iic_ptv.errors import InputError
from iic_ptv.models.joint_views import JointViews
from iic_ptv.registry import BACKBONES
from iic_ptv.runs.zoo.pinned import rendered_clip
from iic_ptv.transforms import ClipTransform, residual
from iic_ptv.zoo import catalogue, fetch, get_weights
from iic_ptv.zoo.hub import ARCHITECTURES
from iic_ptv.zoo.weights_file import write_weights

ROOT = Path(__file__).parents[1]

load = functools.partial(torch.hub.load, str(ROOT), source="local")


def clips(frames: int = 4, size: int = 16) -> torch.Tensor:
    return torch.rand(2, 3, frames, size, size, generator=torch.Generator().manual_seed(5))


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> SmallZoo:
    return small_zoo(tmp_path_factory.mktemp("package") / catalogue.FOLDER)


@pytest.fixture
def zoo(published, monkeypatch) -> SmallZoo:
    """A small zoo in the place of the one of this repository."""
    monkeypatch.setattr(catalogue, "PACKAGE", published.folder.parent)
    return published


def shipped() -> list[str]:
    """Names of the checkpoints whose weights come with this repository, for torch alone."""
    return [
        name
        for name, record in catalogue.records().items()
        if any(file.file.endswith(".pth") and fetch.shipped_path(file).is_file() for file in record.files)
    ]


def test_the_networks_of_the_hub_are_those_of_the_registry() -> None:
    for name, address in ARCHITECTURES.items():
        module, function = address.split(":")
        assert BACKBONES.get(name) is getattr(sys.modules[module], function)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_random_networks_infer(name: str) -> None:
    small = {"width": WIDTH} if name in ("r3d", "r2plus1d", "c3d") else {}
    network = load(name, **small)
    assert network.training
    assert embedded(network, clips()).shape == (2, network.feature_dim)
    network.features = "map"
    assert embedded(network, clips(8, 64)).shape == (2, network.feature_dim * (1 if name == "s3d" else 4))


@pytest.mark.parametrize("name", shipped())
def test_weights_of_this_repository_give_the_features_of_their_pinned_clip(name: str) -> None:
    record = catalogue.find_record(name)
    pinned = record.pinned_clip
    chosen = {"pretrained": True} if record.default else {"weights": name}
    network = load(record.network.architecture, in_views=[pinned.view], **chosen)
    features = embedded(network, rendered_clip(record.network, pinned.motion, pinned.seed, "rgb"))[0]
    found = torch.cat([features[: len(pinned.features)], features.norm()[None]])
    expected = torch.tensor([*pinned.features, pinned.norm])
    torch.testing.assert_close(found, expected, rtol=0, atol=pinned.tolerance * pinned.norm)


@pytest.mark.parametrize(
    "weights", ["r3d.small", "small", "iic://r3d.small", "path", "text of a path", "address", "published"]
)
def test_weights_are_had_by_name_by_file_and_as_an_object(zoo, weights) -> None:
    files = {"path": zoo.file, "text of a path": str(zoo.file), "address": zoo.file.resolve().as_uri()}
    known = {**files, "published": get_weights("r3d.small")}
    network = load("r3d", weights=known.get(weights, weights))
    assert network.training
    assert torch.equal(embedded(network, clips()), embedded(zoo.network, clips()))


def test_pretrained_are_the_default_weights_and_weights_win_over_it(zoo, tmp_path) -> None:
    assert torch.equal(embedded(load("r3d", pretrained=True), clips()), embedded(zoo.network, clips()))
    (other,) = small_networks(1, num_classes=2)
    file = write_weights(tmp_path, "other", weights_of([other]), ".safetensors")
    other.classifier = None
    assert torch.equal(embedded(load("r3d", pretrained=True, weights=file), clips()), embedded(other, clips()))


def test_weights_of_a_url_are_downloaded_once_and_checked(zoo, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    content = zoo.file.read_bytes()
    with serving({f"/{zoo.file.name}": content, "/r3d-12345678.pth": content, "/r3d.pth": content}) as server:
        for _ in range(2):
            network = load("r3d", weights=server.url(f"/{zoo.file.name}"), progress=False)
            assert torch.equal(embedded(network, clips()), embedded(zoo.network, clips()))
        assert len(server.requests) == 1
        with pytest.raises(InputError, match="is not the file that was expected"):
            load("r3d", weights=server.url("/r3d-12345678.pth"), progress=False)
        with pytest.raises(InputError, match=r"does not end like NAME-1a2b3c4d\.pth"):
            load("r3d", weights=server.url("/r3d.pth"), progress=False)


def test_a_file_that_is_not_what_its_name_says_is_refused(zoo, tmp_path) -> None:
    damaged = tmp_path / zoo.file.name
    damaged.write_bytes(zoo.file.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="this file is damaged"):
        load("r3d", weights=damaged)


def test_the_classifier_of_fine_tuned_weights(tmp_path) -> None:
    (tuned,) = small_networks(1, num_classes=3)
    file = write_weights(tmp_path, "tuned", weights_of([tuned]), ".pth")
    assert torch.equal(embedded(load("r3d", weights=file, num_classes=3), clips()), embedded(tuned, clips()))
    with pytest.warns(UserWarning, match=r"a classifier of 3 classes; that of 5 classes is new"):
        other = load("r3d", weights=file, num_classes=5)
    assert embedded(other, clips()).shape == (2, 5)
    assert torch.equal(other.stem.conv.weight, tuned.stem.conv.weight)
    assert embedded(load("r3d", weights=file), clips()).shape == (2, FEATURE_DIM)
    assert embedded(load("r3d", weights=file, features="map"), clips()).shape == (2, FEATURE_DIM)


def test_a_classifier_on_weights_without_one_is_new(zoo) -> None:
    with pytest.warns(UserWarning, match="no classifier; that of 4 classes is new"):
        assert embedded(load("r3d", pretrained=True, num_classes=4), clips()).shape == (2, 4)


def test_views_are_made_inside(zoo) -> None:
    joint = load("r3d", pretrained=True, in_views=["rgb", "residual"])
    assert isinstance(joint, JointViews)
    assert joint.feature_dim == 2 * FEATURE_DIM
    by_view = [embedded(zoo.network, view) for view in (clips(), residual(clips()))]
    assert torch.equal(embedded(joint, clips()), torch.cat(by_view, dim=1))
    assert torch.equal(embedded(load("r3d", pretrained=True, in_views=["residual"]), clips()), by_view[1])
    assert embedded(load("c3d", width=WIDTH, in_views=["residual"], num_classes=3), clips()).shape == (2, 3)


def test_every_view_gets_its_own_network_where_there_are_several(tmp_path) -> None:
    pair = small_networks(2)
    file = write_weights(tmp_path, "pair", weights_of(pair), ".pth")
    rgb, moving = embedded(pair[0], clips()), embedded(pair[1], residual(clips()))
    assert torch.equal(embedded(load("r3d", weights=file), clips()), rgb)
    assert torch.equal(embedded(load("r3d", weights=file, in_views=["residual"]), clips()), moving)
    joint = load("r3d", weights=file, in_views=["residual", "rgb"])
    assert torch.equal(embedded(joint, clips()), torch.cat([moving, rgb], dim=1))
    with pytest.raises(InputError, match="a network for each of rgb, residual, and none for residual_unscaled"):
        load("r3d", weights=file, in_views=["residual_unscaled"])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("r3d", {"weights": "nothing"}, r"no checkpoint 'r3d\.nothing'.*r3d\.small"),
        ("r3d", {"weights": "nothing.pth"}, r"nothing\.pth: there is no such file"),
        ("c3d", {"weights": "r3d.small"}, "these are of r3d, not of c3d"),
        ("s3d", {"pretrained": True}, r"no default checkpoint for 's3d'.*r3d\.small"),
        ("r3d", {"pretrained": True, "width": 1.0}, r"width=1\.0: the weights are of r3d with width=0\.0625"),
        ("r3d", {"pretrained": True, "in_channels": 2}, "in_channels=2: the weights are of r3d with in_channels=3"),
        ("r3d_18", {"width": 0.5}, "r3d_18: there is no option 'width'; there are num_classes, features, in_channels"),
        ("r3d", {"width": WIDTH, "features": "flat"}, "choose one of pooled, map"),
        ("r3d", {"width": WIDTH, "in_views": ["flow_u"]}, "optical flow"),
        ("r3d", {"width": WIDTH, "in_views": ["rgb", "residual"], "num_classes": 3}, "num_classes"),
        ("clip_transform", {"weights": "r3d.nothing"}, r"no checkpoint 'r3d\.nothing'"),
    ],
)
def test_what_cannot_be_is_refused(zoo, name: str, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(name, **options)


def test_options_that_the_weights_have_too_are_no_contradiction(zoo) -> None:
    network = load("r3d", pretrained=True, width=WIDTH, in_channels=3, blocks=(1, 1, 1, 1))
    assert torch.equal(embedded(network, clips()), embedded(zoo.network, clips()))


@pytest.mark.parametrize("weights", ["r3d", "r3d.small", "path", "published"])
def test_clips_are_those_of_the_weights(zoo, weights: str) -> None:
    known = {"path": zoo.file, "published": get_weights("r3d.small")}
    transform = load("clip_transform", weights=known.get(weights, weights), num_clips=3)
    video = torch.randint(256, (3, 20, 30, 40), dtype=torch.uint8)
    expected = ClipTransform(length=4, stride=2, frame_size=(20, 24), crop=16, num_clips=3)(video)
    assert torch.equal(transform(video), expected)
    assert embedded(load("r3d", pretrained=True), expected).shape == (3, FEATURE_DIM)


def test_clips_are_the_papers_by_default() -> None:
    video = torch.randint(256, (3, 20, 30, 40), dtype=torch.uint8)
    assert load("clip_transform")(video).shape == (10, 3, 16, 112, 112)
