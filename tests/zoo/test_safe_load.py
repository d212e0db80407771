"""Files of others are read without running code in them, in every format of torch."""

import argparse
import os
import pickle
from pathlib import Path

import pytest
import torch
from trainer_files import write_configured

from iic_ptv.errors import InputError
from iic_ptv.zoo.safe_load import load_safely


class Touch:
    """On being unpickled carelessly, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch '{self.path}'",)


@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_and_the_options_of_the_authors_are_read(zipped, tmp_path) -> None:
    content = {"opt": argparse.Namespace(neg="repeat", epochs=[45]), "model": {"x": torch.arange(3.0)}, "epoch": 2}
    torch.save(content, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
    found = load_safely(tmp_path / "x.pth")
    assert found["opt"] == content["opt"]
    assert torch.equal(found["model"]["x"], content["model"]["x"])


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("where", ["alone", "beside", "in options"])
def test_code_is_refused_and_not_run(where, zipped, tmp_path) -> None:
    harm = Touch(tmp_path / "harm")
    content = {"alone": harm, "beside": {"model": {}, "x": harm}, "in options": argparse.Namespace(x=harm)}[where]
    torch.save(content, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match=r"x\.pth: not a readable checkpoint: it would run code .*posix\.system"):
        load_safely(tmp_path / "x.pth")
    assert not (tmp_path / "harm").exists()
    torch.load(tmp_path / "x.pth", weights_only=False)
    assert (tmp_path / "harm").exists()  # it would have


def test_configurations_are_left_out(tmp_path, monkeypatch) -> None:
    path = write_configured(tmp_path / "x.ckpt", {"x": torch.ones(2)}, monkeypatch)
    found = load_safely(path)
    assert torch.equal(found["state_dict"]["x"], torch.ones(2))
    assert vars(found["hyper_parameters"]["model"]) == {}


class Thing:
    """A class of somebody's."""


def test_harm_within_a_configuration_is_refused(tmp_path, monkeypatch) -> None:
    """That a file has configurations makes nothing else in it welcome."""
    path = write_configured(tmp_path / "x.ckpt", {"x": Touch(tmp_path / "harm")}, monkeypatch)
    with pytest.raises(InputError, match=r"would run code .*posix\.system"):
        load_safely(path)
    path = write_configured(tmp_path / "x.ckpt", {"x": Thing()}, monkeypatch)
    with pytest.raises(InputError, match=r"would run code .*Thing"):
        load_safely(path)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("content", [b"", b"words", pickle.dumps({"a": 1}), b"PK\x03\x04 and no more"])
def test_other_files_are_named(content, tmp_path) -> None:
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.pth: not a readable checkpoint; it is damaged or of another kind"):
        load_safely(tmp_path / "x.pth")
