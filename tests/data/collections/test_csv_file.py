"""Tables of videos in the formats that there are."""

from pathlib import Path

import pytest
from made_files import rows, touch, write

from iic_ptv.data.collections import csv_file
from iic_ptv.errors import InputError


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    return touch(tmp_path, "run/a.avi", "walk/b.avi", "my walk/c d, 7.mp4", "frames/v 1/img_00001.jpg")


@pytest.mark.parametrize(
    ("lines", "labels", "class_names"),
    [
        (["path,label", "run/a.avi,1", "walk/b.avi,0"], [1, 0], ("0", "1")),
        (["label,path", "1,run/a.avi", "0,walk/b.avi"], [1, 0], ("0", "1")),
        (["run/a.avi,shoot", "walk/b.avi,ride"], [1, 0], ("ride", "shoot")),
        (["run/a.avi, shoot 2", "walk/b.avi, ride 1"], [1, 0], ("ride 1", "shoot 2")),
        (["path,group,label", "run/a.avi,7,", "walk/b.avi,7,2"], [-1, 2], ("0", "1", "2")),
        (["Filename;Split;Class", "run/a.avi;train;x", "walk/b.avi;test;y"], [0, 1], ("x", "y")),
        (["run/a.avi", "walk/b.avi"], [-1, -1], ()),
        (["path", "run/a.avi", "walk/b.avi"], [-1, -1], ()),
        (["run/a.avi;1", "walk/b.avi;0"], [1, 0], ("0", "1")),
        (["run/a.avi\tran, fast", "walk/b.avi\twalked; slowly"], [0, 1], ("ran, fast", "walked; slowly")),
        (["run/a.avi 1", "walk/b.avi 0"], [1, 0], ("0", "1")),
        (["run/a.avi  -1", "walk/b.avi 0"], [-1, 0], ("0",)),
        (["path label", "run/a.avi 1", "walk/b.avi 0"], [1, 0], ("0", "1")),
        (["run/a.avi 250 1", "walk/b.avi 31 0"], [1, 0], ("0", "1")),
        (["run/a 250 1", "walk/b 31 0"], [1, 0], ("0", "1")),
        (["run/a,1", "walk/b,0"], [1, 0], ("0", "1")),
        (["run/a", "walk/b"], [-1, -1], ()),
    ],
)
def test_formats(videos: Path, lines: list[str], labels: list[int], class_names: tuple[str, ...]) -> None:
    table = write(videos / "videos.csv", *lines)
    index = csv_file(table)
    assert rows(index) == [("run/a", labels[0]), ("walk/b", labels[1])]
    assert index.class_names == class_names
    assert csv_file(videos, "videos.csv") == index
    write(table, *reversed(lines)) if "/" in lines[0] else write(table, lines[0], *reversed(lines[1:]))
    assert csv_file(table) == index


@pytest.mark.parametrize(
    "line", ['"my walk/c d, 7.mp4",2', "my walk/c d, 7.mp4;2", "my walk/c d, 7.mp4\t2", "my walk/c d, 7.mp4 2"]
)
def test_paths_with_spaces_and_commas(videos: Path, line: str) -> None:
    assert rows(csv_file(write(videos / "videos.csv", line))) == [("my walk/c d, 7", 2)]


@pytest.mark.parametrize("line", ["frames/v 1,5", "frames/v 1 93 5", "frames/v 1\t5"])
def test_folders_of_frames(videos: Path, line: str) -> None:
    index = csv_file(write(videos / "videos.csv", line))
    assert (rows(index), index.paths) == ([("frames/v 1", 5)], [str(videos / "frames" / "v 1")])


def test_paths_may_be_absolute_and_outside_of_the_root(videos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (videos / "lists").mkdir()
    table = write(videos / "lists" / "videos.csv", f"{videos}/run/a.avi,0", "../walk/b.avi,1")
    index = csv_file(table)
    assert sorted(video.name for video in index) == ["a.avi", "b.avi"]
    assert set(index.keys) == {"../run/a", "../walk/b"}
    monkeypatch.chdir(videos / "lists")
    assert csv_file("videos.csv") == csv_file(".", "videos.csv") == index


@pytest.mark.parametrize("line", [",1", "a.mp4,1,2"])
def test_malformed_lines_are_named(videos: Path, line: str) -> None:
    table = write(videos / "videos.csv", "run/a.avi,0", line)
    with pytest.raises(InputError, match=rf"videos\.csv:2: expected path,label, found '{line}'"):
        csv_file(table)


def test_tables_without_videos(tmp_path: Path) -> None:
    for lines in (["path,label"], [""]):
        with pytest.raises(InputError, match="names no videos"):
            csv_file(write(tmp_path / "videos.csv", *lines))
    with pytest.raises(InputError, match=r"gone\.csv' cannot be read: No such file"):
        csv_file(tmp_path, "gone.csv")
    with pytest.raises(InputError, match=r"no folder .*gone'"):
        csv_file(tmp_path / "gone", "videos.csv")


def test_missing_videos(videos: Path) -> None:
    table = write(videos / "videos.csv", "run/a.avi,0", "run/gone.avi,0")
    with pytest.raises(InputError, match=r"1 of the 2 listed videos .*run/gone\.avi"):
        csv_file(table)
    assert len(csv_file(table, missing="skip")) == 1
