"""What a check finds in good and in bad files, and what it does not read twice."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from numbered_videos import FRAMES, cut_off, number_bars, write_numbered_video
from PIL import Image

from iic_ptv.data.collections import any_folder
from iic_ptv.data.preparation.check import check_collection
from iic_ptv.data.preparation.manifest import ManifestRow, read_manifest
from iic_ptv.errors import InputError


def check(root: Path, file: Path, **options) -> dict[str, ManifestRow]:
    return check_collection(any_folder(root), file, num_workers=2, **options).rows


def write_frames(folder: Path, num_frames: int = 5, size: tuple[int, int] = (32, 64)) -> Path:
    folder.mkdir(parents=True)
    for number in range(num_frames):
        Image.fromarray(number_bars(number, *size)).save(folder / f"frame{number + 1:06}.jpg", quality=95)
    return folder


def alter(file: Path, content: bytes) -> None:
    """Change a file in a way that neither its size nor its time tells of."""
    before = file.stat()
    assert len(content) == before.st_size
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_good_and_bad_videos_and_why(mixed_folder, tmp_path) -> None:
    rows = check(mixed_folder, tmp_path / "manifest.csv")
    assert list(rows) == [f"class/{name}.mp4" for name in ("a_good", "empty", "sound", "text", "truncated", "z_good")]
    assert {path for path, row in rows.items() if not row.error} == {"class/a_good.mp4", "class/z_good.mp4"}
    assert rows["class/empty.mp4"].error == "the file is empty"
    assert rows["class/sound.mp4"].error == "it has no video stream"
    good = mixed_folder / "class/a_good.mp4"
    assert rows["class/a_good.mp4"] == ManifestRow(
        "class/a_good.mp4",
        good.stat().st_size,
        good.stat().st_mtime_ns,
        FRAMES,
        25.0,
        32,
        64,
        "h264",
        12,
        decoded="ends",
    )
    assert read_manifest(tmp_path / "manifest.csv").rows == rows


@pytest.mark.parametrize("name", ["video.avi", "video.mkv", "video.mp4"])
def test_cut_off_files_are_found_even_if_the_rest_can_be_read(tmp_path, name) -> None:
    options = {"container_options": {"movflags": "faststart"}} if name == "video.mp4" else {"codec": "mpeg4"}
    whole = write_numbered_video(tmp_path / name, 40, **options)
    (tmp_path / "videos").mkdir()
    cut_off(whole, tmp_path / "videos" / name)
    (row,) = check(tmp_path / "videos", tmp_path / "manifest.csv").values()
    assert "bytes are there" in row.error
    assert check_collection(any_folder(tmp_path)[:1], tmp_path / "whole.csv").rows[name].error == ""


def test_damage_between_the_ends_is_found_by_decoding_all(tmp_path) -> None:
    folder = write_frames(tmp_path / "videos/a")
    (folder / "frame000003.jpg").write_bytes(b"no picture")
    assert not check(tmp_path / "videos", tmp_path / "manifest.csv")["a"].error
    assert check(tmp_path / "videos", tmp_path / "manifest.csv", decode="all")["a"].error


def test_a_folder_of_frames_is_a_video(tmp_path) -> None:
    folder = write_frames(tmp_path / "videos/run/a")
    broken = write_frames(tmp_path / "videos/run/b")
    (broken / "frame000005.jpg").write_bytes(b"no picture")
    rows = check(tmp_path / "videos", tmp_path / "manifest.csv", sha256=True)
    row = rows["run/a"]
    assert (row.num_frames, row.height, row.width, row.gop, row.error) == (5, 32, 64, 1, "")
    assert row.sha256 == hashlib.sha256(b"".join(file.read_bytes() for file in sorted(folder.iterdir()))).hexdigest()
    assert rows["run/b"].error


def test_good_files_that_have_not_changed_are_not_read_again(video_folder, tmp_path) -> None:
    root, manifest = tmp_path / "videos", tmp_path / "manifest.csv"
    shutil.copytree(video_folder / "run", root)
    first, second, third = sorted(root.iterdir())
    good = check(root, manifest)
    content = first.read_bytes()
    alter(first, bytes(len(content)))
    assert check(root, manifest) == good

    os.utime(first)
    assert check(root, manifest)[first.name].error
    alter(first, content)
    assert not check(root, manifest)[first.name].error  # bad ones have another chance

    alter(second, bytes(second.stat().st_size))
    third.unlink()
    assert check(root, manifest, decode="all")[second.name].error  # as not all of it was decoded before
    assert third.name in read_manifest(manifest).rows


def test_hashes_are_computed_when_they_are_asked_for(video_folder, tmp_path) -> None:
    root, manifest = video_folder / "walk", tmp_path / "manifest.csv"
    assert not any(row.sha256 for row in check(root, manifest).values())
    rows = check(root, manifest, sha256=True)
    assert {path: row.sha256 for path, row in rows.items()} == {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in root.iterdir()
    }
    assert check(root, manifest) == rows


def test_options_that_cannot_be_used(video_folder, tmp_path) -> None:
    for options, message in (
        ({"decode": "some"}, "no 'some'; choose one of none, ends, all"),
        ({"decoder": "vlc"}, "no 'vlc'"),
    ):
        with pytest.raises(InputError, match=message):
            check(video_folder, tmp_path / "manifest.csv", **options)
