"""Folders as collections: what counts as a video, classes, and the order of the rows."""

from pathlib import Path

import pytest
import torch
from made_files import rows, touch

from iic_ptv.data.collections import any_folder, class_folders, flat_folder
from iic_ptv.data.index import Video
from iic_ptv.errors import InputError

NAMES = [f"v_{name}_g{group:02}_c01.mp4" for name in ("jump", "run", "walk") for group in (1, 2, 3)]
LABELS = [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_class_folders(video_folder: Path) -> None:
    index = class_folders(video_folder)
    assert [video.name for video in index] == NAMES
    assert index.labels.tolist() == LABELS
    assert index.labels.dtype == torch.long
    assert index.class_names == ("jump", "run", "walk")
    assert index.paths == [str(video_folder / name.split("_")[1] / name) for name in NAMES]
    assert index.keys == [f"{name.split('_')[1]}/{name.removesuffix('.mp4')}" for name in NAMES]


def test_flat_folder_has_no_labels(video_folder: Path) -> None:
    index = flat_folder(video_folder)
    assert [video.name for video in index] == NAMES
    assert index.labels.tolist() == [-1] * 9
    assert index.class_names == ()


def test_what_is_no_video_is_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "Archery/a.avi", "Biking/b.avi", "Biking/UPPER.MP4", "Biking/notes.txt", "Biking/._b.avi")
    touch(tmp_path, "splits/list.txt", ".snapshot/Archery/a.avi", "Biking/empty/notes.txt")
    (tmp_path / "Biking" / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    index = class_folders(tmp_path)
    assert index.class_names == ("Archery", "Biking")
    assert rows(index) == [("Archery/a", 0), ("Biking/UPPER", 1), ("Biking/b", 1)]


@pytest.mark.parametrize("frame", ["frame000001.jpg", "img_00001.png", "image_00001.JPG", "000001.jpeg", "b_c01_7.jpg"])
def test_folders_of_frames_are_videos(tmp_path: Path, frame: str) -> None:
    touch(tmp_path, f"Biking/v.01/{frame}", f"Biking/v.02/{frame}", "Archery/a.avi", "Archery/empty/notes.txt")
    assert class_folders(tmp_path)[1] == Video(str(tmp_path / "Biking" / "v.01"), "v.01", 1, "Biking/v.01")
    assert rows(class_folders(tmp_path)) == [("Archery/a", 0), ("Biking/v.01", 1), ("Biking/v.02", 1)]
    assert rows(any_folder(tmp_path / "Biking")) == [("v.01", -1), ("v.02", -1)]


def test_what_else_lies_in_a_folder_of_frames_is_ignored(tmp_path: Path) -> None:
    touch(tmp_path, "run/v/frame000001.jpg", "run/v/Thumbs.db", "run/v/sound.mp4", "run/v/more/frame000001.jpg")
    assert rows(any_folder(tmp_path)) == [("run/v", 0)]


def test_previews_beside_videos_do_not_make_a_folder_of_frames(tmp_path: Path) -> None:
    touch(tmp_path, "frame1.jpg", "run/v_g01.avi", "run/v_g01.jpg", "run/v_g02.avi", "run/v_g02.jpg", "run/1.jpg")
    assert rows(any_folder(tmp_path)) == [("run/v_g01", 0), ("run/v_g02", 0)]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["b/x.mp4", "a/x.mp4"], [("a/x", 0), ("b/x", 1)]),
        (["b/x.mp4", "a/x/frame1.jpg"], [("a/x", 0), ("b/x", 1)]),
        (["b/x.mp4", "x.mp4"], [("b/x", -1), ("x", -1)]),
        (["b/x.mp4", "a/c/x.mp4"], [("a/c/x", -1), ("b/x", -1)]),
        (["x.mp4", "y/frame1.jpg"], [("x", -1), ("y", -1)]),
    ],
)
def test_any_folder_has_classes_if_all_videos_lie_in_sub_folders(tmp_path: Path, names, expected) -> None:
    assert rows(any_folder(touch(tmp_path, *names))) == expected


def test_rows_are_in_the_order_of_folders_then_names(tmp_path: Path) -> None:
    touch(tmp_path, "b.mp4", "a-b/x.mp4", "a/z.mp4", "a/sub/y.mp4", "c/x.mp4", "a/s.mp4", "a!/x.mp4")
    in_order = ["a/s", "a/sub/y", "a/z", "a!/x", "a-b/x", "b", "c/x"]
    assert flat_folder(tmp_path).keys == in_order


def test_rows_do_not_depend_on_extensions(tmp_path: Path) -> None:
    for folder, extensions in (("original", (".avi", "", ".mov")), ("prepared", (".mp4",) * 3)):
        for name, extension in zip(("a", "a-1", "a!"), extensions, strict=True):
            video = tmp_path / folder / f"{name}{extension}"
            file = video if extension else video / "frame000001.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    assert flat_folder(tmp_path / "original").keys == flat_folder(tmp_path / "prepared").keys == ["a", "a!", "a-1"]


def test_rows_and_keys_do_not_depend_on_the_root_or_the_order_of_creation(tmp_path: Path) -> None:
    names = [f"{name}/{number}.mp4" for name in ("x", "b", "m") for number in (3, 1, 2)]
    one = any_folder(touch(tmp_path / "one", *names))
    two = any_folder(touch(tmp_path / "far" / "two", *reversed(names)))
    assert rows(one) == rows(two)


@pytest.mark.parametrize("make", [class_folders, flat_folder, any_folder])
def test_roots_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make) -> None:
    touch(tmp_path, "run/a.mp4", "walk/b.mp4")
    monkeypatch.chdir(tmp_path)
    index = make(".")
    assert index.paths == [str(tmp_path / "run" / "a.mp4"), str(tmp_path / "walk" / "b.mp4")]
    assert index == make(tmp_path)


def test_names_in_any_encoding(tmp_path: Path) -> None:
    names = ["ä b/ü'#&;[1].mp4", "日本/(動画).mkv", b"raw\xff/\xfe.mp4".decode(errors="surrogateescape")]
    index = class_folders(touch(tmp_path, *names))
    assert sorted(index.paths) == sorted(str(tmp_path / name) for name in names)
    assert all(Path(path).exists() for path in index.paths)


def test_links_are_followed_once(tmp_path: Path) -> None:
    touch(tmp_path, "elsewhere/a.mp4", "videos/walk/b.mp4")
    (tmp_path / "videos" / "run").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "videos" / "walk" / "up").symlink_to(tmp_path / "videos")
    assert rows(any_folder(tmp_path / "videos")) == [("run/a", 0), ("walk/b", 1)]


@pytest.mark.parametrize("make", [class_folders, flat_folder, any_folder])
def test_folders_without_videos(tmp_path: Path, make) -> None:
    with pytest.raises(InputError, match=r"no folder .*nowhere"):
        make(tmp_path / "nowhere")
    touch(tmp_path, "class/notes.txt")
    with pytest.raises(InputError, match=r"no video files.*\.avi.*\.mp4.*folders of frames"):
        make(tmp_path)


def test_class_folders_point_to_flat_folders(tmp_path: Path) -> None:
    touch(tmp_path, "one.mp4")
    with pytest.raises(InputError, match="The 1 that lie in it directly can be read as a flat folder"):
        class_folders(tmp_path)


def test_real_actions(real_data: Path) -> None:
    root = real_data / "real_actions"
    assert len(class_folders(root / "videos")) == len(flat_folder(root)) == len(any_folder(root)) == 572
    assert any_folder(root / "videos") == class_folders(root / "videos")
