"""What a manifest keeps, and when it may be believed."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from iic_ptv.data.index import Video, VideoIndex
from iic_ptv.data.preparation.manifest import (
    Manifest,
    ManifestRow,
    growing_manifest,
    manifest_path,
    path_below_root,
    read_manifest,
    write_manifest,
)
from iic_ptv.errors import InputError


def video_of(root: Path, path: str) -> Video:
    name = os.path.basename(path)
    return Video(str(root / path), name, key=os.path.splitext(path)[0])


@pytest.fixture
def index(tmp_path) -> VideoIndex:
    """Four files ``run/a.mp4`` to ``run/d.mp4``."""
    (tmp_path / "run").mkdir()
    for name in "abcd":
        (tmp_path / f"run/{name}.mp4").write_text(f"video {name}")
    return VideoIndex([video_of(tmp_path, f"run/{name}.mp4") for name in "abcd"])


def rows_of(index: VideoIndex, **known) -> list[ManifestRow]:
    return [ManifestRow.of_unread(video.path, path_below_root(video))._replace(**known) for video in index]


def test_rows_come_back_as_they_were(tmp_path) -> None:
    full = ManifestRow(
        "run/a.avi", 12, 1795387557508069690, 164, 30000 / 1001, 240, 320, "mpeg4", 12, "", "ab" * 32, "all"
    )
    odd = [
        ManifestRow(path, 1, 2, error='no, "really"\nnot')
        for path in ("a,b.mp4", 'say "a".mp4', "a\nb.mp4", "a\rb.mp4", "\udcff.mp4")
    ]
    manifest = Manifest({row.path: row for row in [*odd, full]})
    write_manifest(tmp_path / "deep/manifest.csv", manifest)
    assert read_manifest(tmp_path / "deep/manifest.csv") == manifest
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["manifest.csv"]


def test_bad_are_the_files_that_are_still_what_they_were(tmp_path, index) -> None:
    good, *bad = rows_of(index, error="it is broken")
    rows = [good._replace(error=""), *bad]
    manifest = Manifest({row.path: row for row in rows})
    assert manifest.bad(index) == {1: "it is broken", 2: "it is broken", 3: "it is broken"}

    (tmp_path / "run/c.mp4").write_text("another video")
    (tmp_path / "run/d.mp4").unlink()
    assert manifest.bad(index) == {1: "it is broken"}
    os.utime(tmp_path / "run/b.mp4", ns=(0, bad[0].modified_ns + 1))
    assert manifest.bad(index) == {}


def test_bad_videos_are_known_by_their_key_wherever_the_collection_lies(tmp_path, index) -> None:
    manifest = Manifest({row.path: row for row in rows_of(index, error="it is broken")})
    moved = tmp_path / "moved"
    (tmp_path / "run").rename(moved)
    elsewhere = VideoIndex([Video(str(moved / f"{name}.mp4"), f"{name}.mp4", key=f"run/{name}") for name in "ca"])
    assert manifest.bad(elsewhere).keys() == {0, 1}


def test_a_folder_of_frames_has_the_size_of_its_files(tmp_path) -> None:
    folder = tmp_path / "run/a.2020"
    folder.mkdir(parents=True)
    (folder / "frame000001.jpg").write_bytes(bytes(10))
    (folder / "frame000002.jpg").write_bytes(bytes(5))
    video = Video(str(folder), "a.2020", key="run/a.2020")
    row = ManifestRow.of_unread(folder, path_below_root(video))
    assert (row.path, row.size, row.is_of(folder)) == ("run/a.2020", 15, True)
    os.utime(folder, ns=(0, 0))  # as if frames had been added
    assert not row.is_of(folder)


def test_the_place_of_a_manifest_hangs_on_the_absolute_root(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("IIC_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    assert manifest_path("videos") == manifest_path(tmp_path / "videos/") == manifest_path("./run/../videos")
    assert manifest_path("videos") != manifest_path("other/videos")
    assert manifest_path("videos").is_relative_to(tmp_path / "cache/manifests")
    assert not (tmp_path / "cache").exists()


HEADER = ",".join(ManifestRow._fields)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("path,label\na.mp4,3\n", 1),
        (f"{HEADER}\na.mp4,1,2,3\n", 2),
        (f"{HEADER}\na.mp4,1,2,0,0,0,0,,0,,,none\nb.mp4,many,2,0,0,0,0,,0,,,none\n", 3),
        (f"{HEADER}\na.mp4,1,2,0,0,0,0,,0,,,none\n\0\n", 3),
    ],
)
def test_a_malformed_manifest_is_named_with_the_line(tmp_path, text, line) -> None:
    (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(InputError, match=rf"manifest\.csv, line {line}: "):
        read_manifest(tmp_path / "manifest.csv")


def test_a_manifest_that_cannot_be_read_or_written(tmp_path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_manifest(tmp_path / "none.csv")
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match="manifest cannot be written"),
        growing_manifest(tmp_path / "file/manifest.csv", Manifest({})),
    ):
        pytest.fail("this must show before any work is done")


def test_an_interruption_loses_no_row(tmp_path) -> None:
    manifest = Manifest({"a": ManifestRow("a", 1, 1)})
    with suppress(KeyboardInterrupt), growing_manifest(tmp_path / "manifest.csv", manifest) as add:
        add(ManifestRow("b", 2, 2))
        raise KeyboardInterrupt
    assert read_manifest(tmp_path / "manifest.csv").rows.keys() == {"a", "b"}
