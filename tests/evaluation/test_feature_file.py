"""Features come out of a file as they went in, and other files are told apart."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from iic_ptv.errors import InputError
from iic_ptv.evaluation.feature_file import describe_features, read_features, write_features
from iic_ptv.evaluation.features import VideoFeatures

NAMES = ["walk/a b", "läuft", "no\udcff utf-8", ""]


@pytest.fixture
def views() -> dict[str, VideoFeatures]:
    labels = torch.tensor([1, 0, -1, 1])
    return {
        name: VideoFeatures(torch.randn(4, size), labels, NAMES, ("run", "walk"))
        for name, size in (("rgb", 5), ("flow_u", 3))
    }


def test_round_trip(views, tmp_path: Path) -> None:
    file = tmp_path / "new folder" / "test.safetensors"
    write_features(file, views, config="SEED: 3\n", fingerprint="abc")
    read = read_features(file)
    assert (read.config, read.fingerprint) == ("SEED: 3\n", "abc")
    assert list(read.views) == ["rgb", "flow_u"]
    for name, view in views.items():
        assert torch.equal(read.views[name].features, view.features)
        assert torch.equal(read.views[name].labels, view.labels)
        assert read.views[name].names == NAMES
        assert read.views[name].class_names == ("run", "walk")


def test_others_can_read_it_as_plain_tensors(views, tmp_path: Path) -> None:
    write_features(tmp_path / "test.safetensors", views)
    tensors = load_file(tmp_path / "test.safetensors")
    assert torch.equal(tensors["view.rgb"], views["rgb"].features)
    assert tensors["labels"].tolist() == [1, 0, -1, 1]


def test_an_old_file_stays_until_the_new_one_is_whole(views, tmp_path: Path) -> None:
    file = tmp_path / "test.safetensors"
    write_features(file, views, fingerprint="old")
    with pytest.raises(TypeError):
        write_features(file, views, config={1}, fingerprint="new")  # type: ignore[arg-type] - fails while it is written
    assert describe_features(file)["fingerprint"] == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["test.safetensors"]


def test_files_that_cannot_be_used_are_named(views, tmp_path: Path) -> None:
    text, other, cut = (tmp_path / f"{name}.safetensors" for name in ("text", "other", "cut"))
    text.write_text("no tensors")
    save_file({"labels": torch.zeros(2)}, other)
    write_features(cut, views)
    cut.write_bytes(cut.read_bytes()[:-8])
    for file, message in ((text, "cannot be read"), (other, "not a feature file"), (cut, "cannot be read|damaged")):
        with pytest.raises(InputError, match=rf"{file}: .*({message})"):
            read_features(file)
    with pytest.raises(InputError, match=r"missing.safetensors: cannot be read"):
        read_features(tmp_path / "missing.safetensors")


def test_a_place_that_cannot_be_written_to_is_named(views, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/test.safetensors: the features cannot be written"):
        write_features(tmp_path / "file" / "test.safetensors", views)
