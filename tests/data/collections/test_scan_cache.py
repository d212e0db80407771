"""Scans that are kept on disk: used while nothing changes, and only then."""

import json
import os
from pathlib import Path

import pytest
from made_files import age, touch

from iic_ptv.data.cache import cache_folder
from iic_ptv.data.collections import any_folder
from iic_ptv.data.collections.scan import scan
from iic_ptv.data.collections.scan_cache import cached_scan, scan_file


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """A collection with nested folders and frames that has not changed for long, and whose scan is kept."""
    root = tmp_path / "videos"
    touch(root, "run/a.mp4", "run/b.mp4", "walk/frames/frame1.jpg", "walk/frames/frame2.jpg", "walk/deep/er/c.mp4")
    touch(root, "walk/empty/notes.txt")
    age(root)
    assert cached_scan(root) == scan(root)
    return root


def test_an_unchanged_collection_is_read_from_the_cache(videos: Path) -> None:
    file = scan_file(videos)
    assert cache_folder() in file.parents
    file.write_text(file.read_text().replace("a.mp4", "kept.mp4"))
    assert [video.name for video in any_folder(videos)] == ["b.mp4", "kept.mp4", "c.mp4", "frames"]


def test_kept_scans_do_not_depend_on_how_the_folder_is_named(videos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (videos.parent / "link").symlink_to(videos)
    monkeypatch.chdir(videos.parent)
    assert scan_file(Path("videos")) == scan_file(Path("link")) == scan_file(videos)
    assert scan_file(videos.parent) != scan_file(videos)
    assert any_folder("link").keys == any_folder(videos).keys


def add_video(root: Path) -> None:
    touch(root, "run/new.mp4")


def add_nested_video(root: Path) -> None:
    touch(root, "walk/deep/er/new.mp4")


def add_class(root: Path) -> None:
    touch(root, "swim/new.mp4")


def add_folder_of_frames(root: Path) -> None:
    touch(root, "walk/more/frame1.jpg")


def fill_empty_folder_with_frames(root: Path) -> None:
    touch(root, "walk/empty/frame1.jpg")


def remove_video(root: Path) -> None:
    (root / "run" / "a.mp4").unlink()


def remove_frames(root: Path) -> None:
    for frame in (root / "walk" / "frames").iterdir():
        frame.unlink()


def remove_nested_folder(root: Path) -> None:
    (root / "walk" / "deep" / "er" / "c.mp4").unlink()
    (root / "walk" / "deep" / "er").rmdir()


def rename_video(root: Path) -> None:
    (root / "run" / "a.mp4").rename(root / "run" / "z.mp4")


def rename_class(root: Path) -> None:
    (root / "run").rename(root / "ran")


@pytest.mark.parametrize(
    "change",
    [
        *(add_video, add_nested_video, add_class, add_folder_of_frames, fill_empty_folder_with_frames),
        *(remove_video, remove_frames, remove_nested_folder, rename_video, rename_class),
    ],
)
def test_changes_are_seen(videos: Path, change) -> None:
    before = any_folder(videos).keys
    change(videos)
    after = any_folder(videos).keys
    assert after != before
    age(videos)
    assert cached_scan(videos) == scan(videos) == cached_scan(videos)
    assert any_folder(videos).keys == after


def test_changes_are_seen_where_a_copy_sets_back_the_time(videos: Path) -> None:
    folder = videos / "run"
    before = os.stat(folder)
    touch(folder, "copied.mp4")
    while os.stat(folder).st_ctime_ns == before.st_ctime_ns:  # the file system's clock has not ticked yet
        os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert os.stat(folder).st_mtime_ns == before.st_mtime_ns
    assert "run/copied" in any_folder(videos).keys


def test_scans_of_folders_that_just_changed_are_not_kept(tmp_path: Path) -> None:
    touch(tmp_path / "videos", "run/a.mp4", "walk/b.mp4")
    age(tmp_path / "videos")
    touch(tmp_path / "videos", "walk/c.mp4")
    any_folder(tmp_path / "videos")
    assert not scan_file(tmp_path / "videos").exists()


def damaged(text: str) -> list[str]:
    scanned = json.loads(text)
    return [
        "",
        text[: len(text) // 2],
        "[]",
        "{}",
        "null",
        "[1, 2]",
        "\0" * 100,
        json.dumps([row[:2] for row in scanned]),
    ]


@pytest.mark.parametrize("kind", range(len(damaged("[]"))))
def test_damaged_files_are_replaced(videos: Path, kind: int) -> None:
    file = scan_file(videos)
    good = file.read_text()
    expected = any_folder(videos)
    file.write_text(damaged(good)[kind])
    assert any_folder(videos) == expected
    assert file.read_text() == good


def test_without_a_place_to_keep_scans(videos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = any_folder(videos)
    monkeypatch.setenv("IIC_CACHE", str(videos / "run" / "a.mp4"))  # a file, in which no folder can be made
    assert any_folder(videos) == expected
    monkeypatch.setenv("IIC_CACHE", str(videos.parent / "cache"))
    scan_file(videos).mkdir(parents=True)  # a folder in the place of the file
    assert any_folder(videos) == expected
