"""Listed videos are found under names that differ a little."""

from pathlib import Path

import pytest
from made_files import touch

from iic_ptv.data.collections.finder import Listing, VideoFinder
from iic_ptv.errors import InputError


@pytest.mark.parametrize(
    ("there", "listed", "found"),
    [
        (["a.avi", "A.avi", "a.mp4"], "a.avi", "a.avi"),  # as it is listed
        (["A.avi", "a.mp4"], "a.avi", "A.avi"),  # in another case
        (["A.mp4", "a.mp4"], "a.avi", "a.mp4"),  # with another extension
        (["A.mp4"], "a.avi", "A.mp4"),  # both
        (["A.MP4", "b.mp4"], "a.mp4", "A.MP4"),
        (["a/frame1.jpg"], "a.avi", "a"),  # a folder of frames
        (["a.b/frame1.jpg"], "a.b", "a.b"),
        (["a.b.mp4"], "a.b", "a.b.mp4"),
        (["a.mp4", "a.mkv"], "a.avi", None),  # which of the two?
        (["A.avi", "a.AVI"], "a.avi", None),
        (["a.txt", "a.json", "ab.avi"], "a.avi", None),
        (["a.y4m"], "a.y4m", "a.y4m"),
        (["a.txt"], "a", None),
    ],
)
def test_names_in_a_folder(tmp_path: Path, there: list[str], listed: str, found: str | None) -> None:
    touch(tmp_path, *there)
    assert Listing(str(tmp_path)).find(listed) == (found and str(tmp_path / found))
    assert VideoFinder(tmp_path).find(listed) == (found and str(tmp_path / found))


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ("Stand/Push/a.avi", "Stand/Push/a.mp4"),
        ("STAND/push/A.avi", "Stand/Push/a.mp4"),
        ("./Stand//Push/a.mp4", "Stand/Push/a.mp4"),
        ("stand/b", "Stand/b.mp4"),
        ("Sit/b", None),
        ("Stand/b.mp4/c.mp4", None),
        ("", None),
    ],
)
def test_folders_on_the_way(tmp_path: Path, listed: str, found: str | None) -> None:
    touch(tmp_path, "Stand/Push/a.mp4", "Stand/b.mp4")
    assert VideoFinder(tmp_path).find(listed) == (found and str(tmp_path / found))


def test_paths_out_of_the_root(tmp_path: Path) -> None:
    touch(tmp_path, "here/a.mp4", "there/b.mp4")
    finder = VideoFinder(tmp_path / "here")
    assert finder.find(str(tmp_path / "there" / "b.avi")) == str(tmp_path / "there" / "b.mp4")
    assert finder.find("../there/b.mp4") == str(tmp_path / "here" / ".." / "there" / "b.mp4")
    assert finder.find(str(tmp_path / "nowhere" / "b.avi")) is None


def test_links_that_lead_nowhere_are_not_there(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4")
    (tmp_path / "b.mp4").symlink_to(tmp_path / "a.mp4")
    (tmp_path / "c.mp4").symlink_to(tmp_path / "nowhere.mp4")
    assert Listing(str(tmp_path)).names == {"a.mp4", "b.mp4"}


def test_what_cannot_be_listed_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4")
    with pytest.raises(InputError, match=r"a\.mp4' cannot be read: Not a directory"):
        Listing(str(tmp_path / "a.mp4"))
