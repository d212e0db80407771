"""Several files are written all, or none."""

from pathlib import Path

import pytest

from iic_ptv.files.together import write_together


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_are_written_into_folders_that_are_made(tmp_path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    write_together({tmp_path / "old": b"new", tmp_path / "a" / "b": b"b"})
    assert content(tmp_path) == {"old": b"new", "a/b": b"b"}


def test_if_one_cannot_be_written_the_others_are_what_they_were(tmp_path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "in the way").mkdir()
    files = {
        tmp_path / "old": b"new",
        tmp_path / "first": b"1",
        tmp_path / "old" / "below": b"2",
        tmp_path / "last": b"",
    }
    with pytest.raises(OSError, match="old"):
        write_together(files)
    assert content(tmp_path) == {"old": b"old"}
