"""UCF101: lists in its format, and the official ones with what was released under them."""

import logging
from pathlib import Path

import pytest
from made_files import rows, touch, write

from iic_ptv.data.collections import class_folders, flat_folder, ucf101, ucf101_lists
from iic_ptv.errors import InputError


@pytest.fixture
def empty_videos(tmp_path: Path) -> Path:
    """Files named like videos of two classes, two each."""
    return touch(
        tmp_path, *(f"{name}/v_{name}_g0{group}_c01.avi" for name in ("Archery", "Biking") for group in (2, 1))
    )


def test_lists(empty_videos: Path) -> None:
    write(empty_videos / "classInd.txt", "1 Archery", "2 Biking")
    train = write(empty_videos / "trainlist01.txt", "Biking/v_Biking_g02_c01.avi 2", "Archery/v_Archery_g02_c01.avi 1")
    test = write(empty_videos / "testlist01.txt", "Biking/v_Biking_g01_c01.avi", "", "Archery/v_Archery_g01_c01.avi")
    index = ucf101_lists(empty_videos, train)
    assert rows(index) == [("Archery/v_Archery_g02_c01", 0), ("Biking/v_Biking_g02_c01", 1)]
    assert index.class_names == ("Archery", "Biking")
    assert rows(ucf101_lists(empty_videos, "testlist01.txt")) == [
        ("Archery/v_Archery_g01_c01", 0),
        ("Biking/v_Biking_g01_c01", 1),
    ]
    assert ucf101_lists(empty_videos, [train, test]) == class_folders(empty_videos)


def test_rows_do_not_depend_on_the_order_of_lists(empty_videos: Path) -> None:
    lines = [f"{name}/v_{name}_g0{group}_c01.avi" for name in ("Archery", "Biking") for group in (1, 2)]
    forward = ucf101_lists(empty_videos, write(empty_videos / "a.txt", *lines))
    backward = ucf101_lists(empty_videos, write(empty_videos / "b.txt", *reversed(lines)))
    assert forward == backward


def test_classes_without_a_class_index_are_the_folders(empty_videos: Path, tmp_path_factory) -> None:
    test = write(tmp_path_factory.mktemp("lists") / "testlist01.txt", "Biking/v_Biking_g01_c01.avi")
    index = ucf101_lists(empty_videos, test)
    assert (index.class_names, index.labels.tolist()) == (("Archery", "Biking"), [1])


def test_class_index_sets_the_numbers(empty_videos: Path) -> None:
    classes = write(empty_videos / "classes.txt", "1 Biking", "2 Archery")
    test = write(empty_videos / "testlist01.txt", "Biking/v_Biking_g01_c01.avi", "Archery/v_Archery_g01_c01.avi 2")
    assert ucf101_lists(empty_videos, test, class_index=classes).labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    "line", ["Biking/v_Biking_g01_c01.avi 3", "Biking/v_Biking_g01_c01.avi 0", "Swimming/v.avi", "v.avi"]
)
def test_malformed_lines_are_named(empty_videos: Path, line: str) -> None:
    write(empty_videos / "classInd.txt", "1 Archery", "2 Biking")
    broken = write(empty_videos / "list.txt", "Archery/v_Archery_g01_c01.avi 1", line)
    with pytest.raises(InputError, match=rf"list\.txt:2: expected .* found '{line}'"):
        ucf101_lists(empty_videos, broken)


def test_malformed_class_index(empty_videos: Path) -> None:
    write(empty_videos / "classInd.txt", "1 Archery", "3 Biking")
    with pytest.raises(InputError, match=r"classInd\.txt:2: expected '2 NameOfTheClass', found '3 Biking'"):
        ucf101_lists(empty_videos, write(empty_videos / "list.txt", "Archery/v_Archery_g01_c01.avi"))


def test_missing_lists_and_files_that_are_no_lists(empty_videos: Path) -> None:
    with pytest.raises(InputError, match=r"nolist\.txt' cannot be read: No such file"):
        ucf101_lists(empty_videos, "nolist.txt")
    (empty_videos / "binary.txt").write_bytes(bytes(range(128, 256)))
    with pytest.raises(InputError, match="not a text file"):
        ucf101_lists(empty_videos, "binary.txt")
    with pytest.raises(InputError, match="at least one list"):
        ucf101_lists(empty_videos, [])


def test_listed_videos_that_are_missing(empty_videos: Path, caplog: pytest.LogCaptureFixture) -> None:
    lost = [f"Archery/v_Archery_g{group:02}_c01.avi" for group in (7, 8, 9, 10)]
    listing = write(empty_videos / "list.txt", "Archery/v_Archery_g01_c01.avi", *lost)
    with pytest.raises(InputError) as caught:
        ucf101_lists(empty_videos, listing)
    message = str(caught.value)
    assert f"4 of the 5 listed videos are not under '{empty_videos}'" in message
    assert ", ".join(lost[:3]) + ", ..." in message
    assert lost[3] not in message
    with caplog.at_level(logging.WARNING):
        assert len(ucf101_lists(empty_videos, listing, missing="skip")) == 1
    assert "4 of the 5 listed videos" in caplog.text
    with pytest.raises(InputError, match="4 of the 4"):
        ucf101_lists(empty_videos, write(empty_videos / "lost.txt", *lost), missing="skip")
    with pytest.raises(InputError, match="choose one of error, skip"):
        ucf101_lists(empty_videos, listing, missing="ignore")


def test_one_of_two_files_cannot_be_chosen(empty_videos: Path) -> None:
    folder = empty_videos / "Biking"
    (folder / "v_Biking_g01_c01.avi").rename(folder / "v_Biking_g01_c01.mp4")
    listing = write(empty_videos / "list.txt", "Biking/v_Biking_g01_c01.avi")
    assert [video.name for video in ucf101_lists(empty_videos, listing)] == ["v_Biking_g01_c01.mp4"]
    (folder / "v_Biking_g01_c01.mkv").touch()
    with pytest.raises(InputError, match="1 of the 1"):
        ucf101_lists(empty_videos, listing)


CLASSES = ("1 Archery", "2 HandstandPushups")
TRAIN = ("Archery/v_Archery_g08_c01.avi 1", "HandstandPushups/v_HandStandPushups_g08_c01.avi 2")
TEST = ("Archery/v_Archery_g01_c01.avi", "HandstandPushups/v_HandStandPushups_g01_c01.avi")


def write_official_lists(folder: Path) -> None:
    write(folder / "classInd.txt", *CLASSES)
    write(folder / "trainlist01.txt", *TRAIN)
    write(folder / "testlist01.txt", *TEST)
    write(folder / "trainlist02.txt", *(f"{line} {label}" for label, line in enumerate(TEST, 1)))


@pytest.mark.parametrize(
    "names",
    [
        [line.split()[0] for line in (*TRAIN, *TEST)],
        [line.split()[0].replace(".avi", ".mp4") for line in (*TRAIN, *TEST)],
        [line.split()[0].replace("StandP", "standP") for line in (*TRAIN, *TEST)],
        [line.split()[0].replace("standP", "StandP") for line in (*TRAIN, *TEST)],
        [line.split()[0].replace(".avi", "/frame000001.jpg") for line in (*TRAIN, *TEST)],
        [line.split("/")[1].split(".")[0].replace("StandP", "standP") + "/frame000001.jpg" for line in (*TRAIN, *TEST)],
        [line.split("/")[1].split()[0] for line in (*TRAIN, *TEST)],
    ],
    ids=[
        "original",
        "transcoded",
        "files_spelt_like_the_class",
        "class_spelt_like_the_files",
        "frames",
        "flat",
        "files",
    ],
)
def test_official_lists_fit_all_releases(tmp_path: Path, names: list[str]) -> None:
    write_official_lists(tmp_path / "lists")
    touch(tmp_path / "videos", *names)
    train = ucf101(tmp_path / "videos", annotations=tmp_path / "lists")
    test = ucf101(tmp_path / "videos", annotations=tmp_path / "lists", subset="test")
    for index, group in ((train, "g08"), (test, "g01")):
        assert index.class_names == ("Archery", "HandstandPushups")
        assert index.labels.tolist() == [0, 1]
        assert [video.name.casefold().split(".")[0] for video in index] == [
            f"v_archery_{group}_c01",
            f"v_handstandpushups_{group}_c01",
        ]
        assert all(Path(path).exists() for path in index.paths)
    assert ucf101(tmp_path / "videos", annotations=tmp_path / "lists", split=2) == test


def test_spelling_matters_where_two_videos_differ_by_it_alone(tmp_path: Path) -> None:
    touch(tmp_path, "Run/a.mp4", "run/a.mp4", "run/A.mp4")
    write(tmp_path / "classInd.txt", "1 Run", "2 Walk")
    index = ucf101_lists(tmp_path, write(tmp_path / "list.txt", "Run/a.mp4 1", "run/A.mp4 1"))
    assert rows(index) == [("Run/a", 0), ("run/A", 0)]


@pytest.mark.parametrize("place", ["", "ucfTrainTestlist", "../ucfTrainTestlist", "splits", "../splits", ".."])
def test_official_lists_are_found_in_the_usual_places(tmp_path: Path, place: str) -> None:
    root = touch(tmp_path / "UCF-101", *(line.split()[0] for line in TRAIN))
    write_official_lists(root / place)
    assert ucf101(root).labels.tolist() == [0, 1]
    assert ucf101(tmp_path).paths == ucf101(root).paths
    assert ucf101(tmp_path).keys == [f"UCF-101/{key}" for key in ucf101(root).keys]
    assert set(ucf101(tmp_path).keys) <= set(flat_folder(tmp_path).keys), "a video has one key, however it is found"
    assert ucf101(root, annotations=root / place) == ucf101(root)


def test_what_is_wrong_with_official_lists_is_said(tmp_path: Path) -> None:
    root = touch(tmp_path / "videos", *(line.split()[0] for line in TRAIN))
    with pytest.raises(InputError, match=r"no trainlist01\.txt in .*videos'.*DATA.ANNOTATIONS FOLDER"):
        ucf101(root)
    with pytest.raises(InputError, match=r"no folder .*nowhere'; it should hold the official lists"):
        ucf101(root, annotations="nowhere")
    write(root / "trainlist01.txt", *TRAIN)
    with pytest.raises(InputError, match=r"no classInd\.txt"):
        ucf101(root)
    with pytest.raises(InputError, match="split: expected 1 or 2 or 3, got '4'"):
        ucf101(root, split=4)
    with pytest.raises(InputError, match="subset: expected train or test, got 'val'"):
        ucf101(root, subset="val")
    with pytest.raises(InputError, match=r"no folder .*gone"):
        ucf101(tmp_path / "gone")


def test_real_actions(real_data: Path) -> None:
    root = real_data / "real_actions"
    train, test = (ucf101(root / "videos", split=2, subset=subset) for subset in ("train", "test"))
    assert (len(train), len(test)) == (35, 25)
    assert train.class_names == test.class_names
    assert len(train.class_names) == 12
    for video in (*train, *test):
        assert train.class_names[video.label] == Path(video.path).parent.name
    assert ucf101_lists(root / "videos", root / "splits" / "trainlist02.txt") == train
