"""Files of tensors: read back as written, for everybody who may, and the same bytes for the same content."""

import os
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from iic_ptv.files.tensor_file import pack_strings, read_description, read_tensors, unpack_strings, write_tensors


def test_round_trip(tmp_path: Path) -> None:
    file = tmp_path / "file.safetensors"
    tensors = {"a": torch.randn(3, 4).T, "b": torch.arange(5)}
    write_tensors(file, tensors, {"names": ["x", "ü"], "number": 3})
    assert read_description(file) == {"names": ["x", "ü"], "number": 3}
    assert all(torch.equal(value, tensors[name]) for name, value in read_tensors(file).items())


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_tensors(tmp_path / name, {"a": torch.arange(9)}, {"x": 1, "y": 2, "z": 3})
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_others_may_read_it_as_any_new_file(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        write_tensors(tmp_path / "file", {"a": torch.zeros(1)}, {})
    finally:
        os.umask(mask)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


def test_a_file_of_another_kind_is_no_tensor_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    with pytest.raises(SafetensorError):
        read_tensors(tmp_path / "file")


@pytest.mark.parametrize("strings", [["a"], ["", "b", ""], ["läuft", "no\udcff utf-8"]])
def test_strings_come_out_as_they_went_in(strings: list[str]) -> None:
    assert unpack_strings(pack_strings(strings)) == strings
