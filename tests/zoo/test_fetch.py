"""Where the files of a checkpoint come from."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from http_server import closed_port, serving
from published_checkpoint import NAME, publish_checkpoint, with_urls

from iic_ptv.errors import InputError
from iic_ptv.zoo import transfer
from iic_ptv.zoo.fetch import cached_path, fetch, shipped_path, weights_folder
from iic_ptv.zoo.weights_file import read_weights, sha256_of

SUFFIXES = (".pth", ".safetensors")


@pytest.fixture
def record(tmp_path, monkeypatch):
    """The record of a checkpoint that comes with the package, whose folder is empty but for it."""
    monkeypatch.setattr(transfer, "PAUSE", 0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("iic_ptv.zoo.catalogue.PACKAGE", tmp_path / "package")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return publish_checkpoint(tmp_path / "package" / "model_zoo")


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_the_folder_is_that_of_torch_hub(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "one"))
    assert weights_folder() == tmp_path / "one" / "hub" / "checkpoints"
    monkeypatch.setattr(torch.hub, "_hub_dir", None)  # restored after the test
    torch.hub.set_dir(tmp_path / "two")
    assert weights_folder() == tmp_path / "two" / "checkpoints"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_comes_with_the_package_is_taken_as_it_lies_there(suffix, record, monkeypatch) -> None:
    monkeypatch.setenv("TORCH_HOME", os.devnull)  # no cache can be made there
    path = fetch(record, suffix)
    assert path.parent.name == "weights"
    assert path.suffix == suffix
    assert read_weights(path).network == record.network


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("damaged", [False, True])
def test_what_is_not_here_is_downloaded_once(damaged, suffix, record, caplog) -> None:
    published = next(each for each in record.files if each.file.endswith(suffix))
    shipped = shipped_path(published)
    with serving({f"/{shipped.name}": shipped.read_bytes()}) as server:
        if damaged:
            damage(shipped)
        else:
            shipped.unlink()
        there = with_urls(record, server.url(""))
        for _ in range(2):
            path = fetch(there, suffix, progress=False)
            assert path == weights_folder() / published.file
            assert sha256_of(path) == published.sha256
        damage(path)
        fetch(there, suffix, progress=False)
        assert sha256_of(path) == published.sha256
        assert len(server.requests) == 2
    assert (f"{shipped} is damaged" in caplog.text) == damaged


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_is_nowhere_is_made_of_the_other(suffix, record) -> None:
    published = next(each for each in record.files if each.file.endswith(suffix))
    shipped_path(published).unlink()
    path = fetch(record, suffix)
    assert path == cached_path(published)
    assert sha256_of(path) == published.sha256
    modified = path.stat().st_mtime_ns
    assert fetch(record, suffix).stat().st_mtime_ns == modified


def test_a_file_that_comes_out_otherwise_is_not_kept(record) -> None:
    first, second = record.files
    shipped_path(first).unlink()
    other = replace(record, files=(replace(first, sha256="0" * 64), second))
    with pytest.raises(InputError, match=rf"{first.file}: made of .*{second.file}, its SHA-256 is {first.sha256}"):
        fetch(other, ".pth")
    assert not cached_path(first).exists()


def test_a_file_that_is_nowhere_and_cannot_be_made(record, monkeypatch) -> None:
    for published in record.files:
        damage(shipped_path(published))
    with pytest.raises(InputError, match=f"{NAME}: .*is damaged; install the package again, or bring the file to"):
        fetch(record)
    for published in record.files:
        shipped_path(published).unlink()
    with pytest.raises(InputError, match=f"{NAME}: .*is not there; install the package again"):
        fetch(record)
    with closed_port() as address, pytest.raises(InputError, match=f"{address}/.*: it cannot be reached"):
        fetch(with_urls(record, address), progress=False)


def test_a_cache_that_cannot_be_written_to(record, monkeypatch) -> None:
    shipped_path(record.files[0]).unlink()
    monkeypatch.setenv("TORCH_HOME", os.devnull)
    with pytest.raises(InputError, match=r"cannot be written \(.*TORCH_HOME"):
        fetch(record, ".pth")


def test_what_others_publish_is_said_where(record) -> None:
    others = replace(record, files=(), published="https://example.org/r3d.pth", how_to_convert="iic convert r3d.pth")
    with pytest.raises(InputError, match=r"Download them from https://example.org/r3d.pth, .*: iic convert r3d.pth"):
        fetch(others)


def test_a_format_that_is_not_published(record) -> None:
    with pytest.raises(InputError, match=r"it has no \.safetensors file, only .*\.pth"):
        fetch(replace(record, files=record.files[:1]), ".safetensors")
