"""Verification: what is in order, what is damaged, what is left over, what is not here."""

import shutil

import pytest
from published_checkpoint import NAME, publish_checkpoint, with_urls

from iic_ptv.zoo.fetch import cached_path, shipped_path
from iic_ptv.zoo.verify import verify


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setattr("iic_ptv.zoo.catalogue.PACKAGE", tmp_path / "package")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return publish_checkpoint(tmp_path / "package" / "model_zoo")


def states(record) -> list[tuple[str, str]]:
    return [(verdict.file, verdict.state) for verdict in verify([record])]


def test_what_comes_with_the_package_and_what_is_in_the_cache(record) -> None:
    first, second = (each.file for each in record.files)
    assert states(record) == [(first, "shipped"), (second, "shipped")]
    cached = cached_path(record.files[0])
    cached.parent.mkdir(parents=True)
    shutil.copy(shipped_path(record.files[0]), cached)
    assert states(record) == [(first, "shipped"), (first, "cached"), (second, "shipped")]
    verdict = verify([record])[1]
    assert (verdict.name, verdict.path) == (NAME, cached)
    assert f"{cached.stat().st_size:,} bytes" in verdict.message


def test_what_is_not_here(record) -> None:
    for published in record.files:
        shipped_path(published).unlink()
    verdicts = verify([with_urls(record, "https://example.org")])
    assert [verdict.state for verdict in verdicts] == ["absent", "absent"]
    assert f"https://example.org/{record.files[0].file}" in verdicts[0].message
    assert "other file" in verify([record])[0].message


@pytest.mark.parametrize("length", [-1, None])
def test_damage_is_named(length, record) -> None:
    path = shipped_path(record.files[0])
    content = path.read_bytes()
    path.write_bytes(content[:-1] if length else bytes([content[0] ^ 1]) + content[1:])
    verdict, good = verify([record])
    assert (verdict.state, verdict.path, good.state) == ("damaged", path, "shipped")
    fault = f"instead of {record.files[0].bytes:,}" if length else f"instead of {record.files[0].sha256}"
    assert fault in verdict.message
    assert "install the package again" in verdict.message


def test_a_folder_in_place_of_a_file_is_damage(record) -> None:
    path = shipped_path(record.files[0])
    path.unlink()
    path.mkdir()
    assert verify([record])[0].state == "damaged"


def test_remains_of_downloads_are_named(record) -> None:
    shipped_path(record.files[0]).unlink()
    part = cached_path(record.files[0])
    part = part.with_name(f"{part.name}.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(1234))
    verdict = verify([record])[0]
    assert (verdict.state, verdict.path) == ("partial", part)
    assert f"1,234 of {record.files[0].bytes:,} bytes" in verdict.message
