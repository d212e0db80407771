"""Files of weights: round trips, the same bytes for the same weights, and nothing but ours taken for ours."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from iic_ptv.errors import InputError
from iic_ptv.models import r3d
from iic_ptv.zoo.description import ClipFormat, NetworkDescription
from iic_ptv.zoo.weights_file import (
    DESCRIPTION,
    STATE,
    SUFFIXES,
    WeightsFile,
    _description,
    hash_in_name,
    read_weights,
    sha256_of,
    write_weights,
)

NETWORK = NetworkDescription("r3d", {"width": 0.0625}, ("rgb",), ClipFormat(4, 1, (16, 20), 16))


def made(seed: int, num_classes: int | None = None) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    return r3d(width=0.0625, num_classes=num_classes).state_dict()


ONE = WeightsFile(NETWORK, (made(0),), "SEED: 0\n", "a test")
CLASSIFIER = WeightsFile(replace(NETWORK, class_names=("jump", "run")), (made(1, 2),))
TWO = WeightsFile(replace(NETWORK, views=("rgb", "residual"), num_networks=2), (made(2), made(3)))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("weights", [ONE, CLASSIFIER, TWO, ONE.half()], ids=["one", "classifier", "two", "half"])
def test_what_is_written_is_read(weights, suffix, tmp_path) -> None:
    path = write_weights(tmp_path / "new", "r3d.test", weights, suffix)
    found = read_weights(path)
    assert (found.network, found.config, found.origin) == (weights.network, weights.config, weights.origin)
    assert found.num_classes == weights.num_classes == len(weights.network.class_names)
    for expected, state in zip(weights.networks, found.networks, strict=True):
        assert set(state) == set(expected)
        for name, value in expected.items():
            assert state[name].dtype == value.dtype
            assert torch.equal(state[name], value), name


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_name_ends_with_the_hash_and_the_same_weights_give_the_same_bytes(suffix, tmp_path) -> None:
    path = write_weights(tmp_path / "a", "r3d.test", ONE, suffix)
    assert hash_in_name(path) == sha256_of(path)[:8]
    whole = {name: torch.stack([value, value])[1] for name, value in ONE.networks[0].items()}  # slices of larger memory
    again = write_weights(tmp_path / "b", "r3d.test", replace(ONE, networks=(whole,)), suffix)
    assert again.name == path.name
    assert again.read_bytes() == path.read_bytes()
    assert write_weights(tmp_path / "c", "r3d.test", replace(ONE, networks=TWO.networks[:1]), suffix).name != path.name


def test_half_leaves_batch_norm_and_counters_as_they_are() -> None:
    half, whole = CLASSIFIER.half().networks[0], CLASSIFIER.networks[0]
    changed = {name for name in whole if half[name].dtype != whole[name].dtype}
    assert changed == {name for name, value in whole.items() if value.ndim >= 2}
    assert {half[name].dtype for name in changed} == {torch.float16}
    assert {"stem.conv.weight", "classifier.weight"} <= changed


@pytest.mark.parametrize(
    ("name", "digits"),
    [
        ("r3d.iic-1a2b3c4d.pth", "1a2b3c4d"),
        ("r3d.pth", ""),
        ("r3d-12345.pth", ""),
        ("a-b-00112233aa.safetensors", "00112233aa"),
    ],
)
def test_the_hash_is_read_off_the_name(name, digits) -> None:
    assert hash_in_name(f"folder-ffffffff/{name}") == digits


class Touch:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch '{self.path}'",)


def test_code_in_a_file_is_never_run(tmp_path) -> None:
    torch.save({STATE: Touch(tmp_path / "harm"), DESCRIPTION: "{}"}, tmp_path / "evil.pth")
    with pytest.raises(InputError, match=r"evil\.pth"):
        read_weights(tmp_path / "evil.pth")
    assert not (tmp_path / "harm").exists()


def written(path: Path, content: object) -> Path:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a file of weights", "damaged or of another kind"),
        ({"a": torch.ones(1)}, "does not describe its network"),
        ({STATE: {}, DESCRIPTION: "[1]"}, "does not describe its network"),
        ({STATE: {}, DESCRIPTION: json.dumps({"format": "another"})}, "does not describe its network"),
        ({STATE: {}, DESCRIPTION: json.dumps({"format": "iic_ptv weights 1", "network": {}})}, "architecture: missing"),
    ],
)
def test_other_files_are_told_apart(content, message, tmp_path) -> None:
    path = written(tmp_path / "x.pth", content)
    with pytest.raises(InputError, match=rf"x\.pth: .*{message}"):
        read_weights(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_damaged_file_is_named(suffix, tmp_path) -> None:
    path = write_weights(tmp_path, "r3d.test", ONE, suffix)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match="damaged"):
        read_weights(path)
    path.unlink()
    with pytest.raises(InputError, match="there is no such file"):
        read_weights(path)


@pytest.mark.parametrize(
    "changed",
    [
        replace(ONE, config=5),
        replace(ONE, networks=({"a": [1]},)),
        replace(ONE, network=replace(NETWORK, num_networks=0)),
    ],
    ids=["config", "no tensors", "no networks"],
)
def test_what_is_of_another_type_is_refused(changed, tmp_path) -> None:
    content = {STATE: changed.networks[0], DESCRIPTION: _description(changed)}
    with pytest.raises(InputError, match="does not describe its network"):
        read_weights(written(tmp_path / "x.pth", content))


def test_several_networks_without_their_numbers_are_not_taken(tmp_path) -> None:
    path = write_weights(tmp_path, "r3d.test", replace(TWO, networks=TWO.networks[:1]), ".pth")
    with pytest.raises(InputError, match="is of none of its 2 networks"):
        read_weights(path)
