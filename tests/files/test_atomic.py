"""Files that are written whole or not at all."""

from pathlib import Path

import pytest

from iic_ptv.files.atomic import atomic_write


def test_the_file_appears_at_the_end_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "clip.mp4"
    with atomic_write(target) as temporary:
        temporary.write_text("whole")
        assert not target.exists()
        assert temporary.parent == target.parent
        assert temporary.suffix == ".mp4"
        assert temporary.name.startswith(".")
    assert target.read_text() == "whole"
    assert list(target.parent.iterdir()) == [target]


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")

    def write_half() -> None:
        with atomic_write(target) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_several_may_write_the_same_file(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    with atomic_write(target) as one, atomic_write(target) as other:
        one.write_text("one")
        other.write_text("other")
    assert target.read_text() == "one"  # whose block ended last
    assert list(tmp_path.iterdir()) == [target]


def test_permissions_are_those_of_ordinary_files(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with atomic_write(tmp_path / "atomic") as temporary:
        temporary.touch()
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode
