"""Kinetics by its official lists, and by class folders."""

import logging
from pathlib import Path

import pytest
from made_files import rows, touch, write

from iic_ptv.data.collections import class_folders, flat_folder, kinetics
from iic_ptv.errors import InputError

HEADER = "label,youtube_id,time_start,time_end,split"
ROWS = (
    "riding a bike,-aB3_x9z0Qw,5,15,train",
    '"eating ""hot, hot"" dogs",_0000000_00,100,110,train',
    "riding a bike,zzzzzzzzzzz,0,10,val",
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write(tmp_path / "annotations" / "train.csv", HEADER, *ROWS)


@pytest.mark.parametrize(
    "names",
    [
        ["-aB3_x9z0Qw_000005_000015.mp4", "_0000000_00_000100_000110.mp4"],
        ["-aB3_x9z0Qw.mp4", "_0000000_00.mkv"],
        ["train/-aB3_x9z0Qw_000005_000015.mp4", "train/_0000000_00.webm"],
        ["train/riding a bike/-aB3_x9z0Qw_000005_000015.mp4", 'train/eating "hot, hot" dogs/_0000000_00.mp4'],
        ["riding_a_bike/-aB3_x9z0Qw.mp4", 'eating_"hot,_hot"_dogs/_0000000_00_000100_000110.mp4'],
        ["videos_train/Riding_a_bike/-aB3_x9z0Qw.mp4", "videos_train/_0000000_00.mp4"],
        ["train/riding a bike/-aB3_x9z0Qw_000005_000015/img_00001.jpg", "train/_0000000_00/img_00001.jpg"],
    ],
)
def test_files_are_found_wherever_tools_put_them(tmp_path: Path, table: Path, names: list[str]) -> None:
    touch(tmp_path / "videos", *names)
    index = kinetics(tmp_path / "videos", annotations=table)
    assert index.class_names == ('eating "hot, hot" dogs', "riding a bike")
    labels = {video.name[:11]: video.label for video in index}
    assert labels == {"-aB3_x9z0Qw": 1, "_0000000_00": 0}
    assert all(Path(path).exists() for path in index.paths)
    assert kinetics(tmp_path / "videos", annotations=table.parent) == index


def test_the_part_of_a_video_comes_before_the_whole(tmp_path: Path, table: Path) -> None:
    touch(tmp_path, "-aB3_x9z0Qw.mp4", "train/-aB3_x9z0Qw_000005_000015.mp4", "_0000000_00.mp4")
    assert [video.name for video in kinetics(tmp_path, annotations=table)] == [
        "_0000000_00.mp4",
        "-aB3_x9z0Qw_000005_000015.mp4",
    ]


def test_many_are_missing(tmp_path: Path, table: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(table, HEADER, *ROWS, *(f"riding a bike,gone{number:07},0,10,train" for number in range(1000)))
    touch(tmp_path / "videos", "train/riding a bike/-aB3_x9z0Qw_000005_000015.mp4")
    with pytest.raises(InputError, match="1001 of the 1002 listed videos"):
        kinetics(tmp_path / "videos", annotations=table)
    with caplog.at_level(logging.WARNING):
        assert len(kinetics(tmp_path / "videos", annotations=table, missing="skip")) == 1
    assert "1001 of the 1002 listed videos" in caplog.text
    assert "riding a bike/gone0000000_000000_000010.mp4" in caplog.text
    assert len(caplog.text) < 600


@pytest.mark.parametrize(
    ("subset", "file", "split"),
    [("val", "val.csv", "val"), ("val", "validate.csv", "validate"), ("test", "test.csv", "test")],
)
def test_subsets_and_their_other_names(tmp_path: Path, subset: str, file: str, split: str) -> None:
    write(
        tmp_path / "lists" / file, f"{HEADER},is_cc", f"run,aaaaaaaaaaa,0,10,{split},0", "run,bbbbbbbbbbb,0,10,train,0"
    )
    touch(tmp_path / "videos", f"{split}/aaaaaaaaaaa_000000_000010.mp4", f"{split}/bbbbbbbbbbb_000000_000010.mp4")
    index = kinetics(tmp_path / "videos", annotations=tmp_path / "lists", subset=subset)
    assert rows(index) == [(f"{split}/aaaaaaaaaaa_000000_000010", 0)]


def test_lists_without_labels_or_splits(tmp_path: Path) -> None:
    touch(tmp_path, "aaaaaaaaaaa.mp4")
    table = write(tmp_path / "test.csv", "youtube_id,time_start,time_end", "aaaaaaaaaaa,0.0,10.0")
    index = kinetics(tmp_path, annotations=table, subset="test")
    assert (rows(index), index.class_names) == ([("aaaaaaaaaaa", -1)], ())


def test_without_a_list_the_class_folders_count(tmp_path: Path) -> None:
    touch(tmp_path, "train/run/a.mp4", "val/run/b.mp4", "val/walk/c.mp4", "test/notes.txt")
    for subset in ("train", "val"):
        index, folder = kinetics(tmp_path, subset=subset), class_folders(tmp_path / subset)
        assert (index.paths, index.class_names) == (folder.paths, folder.class_names)
        assert set(index.keys) <= set(flat_folder(tmp_path).keys)
    assert kinetics(tmp_path / "val", subset="test") == class_folders(tmp_path / "val")


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4")
    with pytest.raises(InputError, match=r"no val\.csv or validate\.csv or validation\.csv in"):
        kinetics(tmp_path, annotations=tmp_path, subset="val")
    with pytest.raises(InputError, match=r"no folder .*gone\.csv'"):
        kinetics(tmp_path, annotations="gone.csv")
    with pytest.raises(InputError, match=r"a\.csv:1: expected a header with youtube_id, time_start, time_end"):
        kinetics(tmp_path, annotations=write(tmp_path / "a.csv", "a.mp4,0"))
    for line in ("run,aaaaaaaaaaa,0", "run,aaaaaaaaaaa,zero,10,train", "run,,0,10,train"):
        with pytest.raises(InputError, match=rf"a\.csv:4: expected a youtube_id and two times.*'{line}'"):
            kinetics(tmp_path, annotations=write(tmp_path / "a.csv", HEADER, ROWS[0], "", line))
    with pytest.raises(InputError, match=r"a\.csv' lists no videos of 'test', but of train, val"):
        kinetics(tmp_path, annotations=write(tmp_path / "a.csv", HEADER, *ROWS), subset="test")
    with pytest.raises(InputError, match="split: expected 1, got '2'"):
        kinetics(tmp_path, split=2)
    with pytest.raises(InputError, match="subset: expected train or val or test"):
        kinetics(tmp_path, subset="training")
