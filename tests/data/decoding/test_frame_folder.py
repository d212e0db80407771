"""Folders of pictures are videos."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numbered_videos import cut_off, number_bars, read_numbers, write_numbered_pictures
from PIL import Image

from iic_ptv.data.decoding import VideoError, open_video
from iic_ptv.data.decoding.frame_folder import frame_files, frame_number

NUM_FRAMES = 24


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("frame000001.jpg", 1),
        ("frame000000.jpg", 0),
        ("000123.png", 123),
        ("img_00007.JPEG", 7),
        ("v2-take3-0012.webp", 12),
        ("1.bmp", 1),
        ("._frame000001.jpg", None),
        (".000001.jpg", None),
        ("Thumbs.db", None),
        (".DS_Store", None),
        ("cover.jpg", None),
        ("frame000001.jpg.part", None),
        ("frame000001.txt", None),
        ("frame000001", None),
        ("frame²³.jpg", None),
        (".jpg", None),
    ],
)
def test_names_of_frames(name: str, number: int | None) -> None:
    assert frame_number(name) == number


def test_frames_are_ordered_by_number_and_strays_ignored(tmp_path: Path) -> None:
    names = ["frame2.jpg", "frame10.jpg", "frame0.jpg", "frame007.jpg"]
    for name in (*names, "Thumbs.db", "._frame2.jpg", "cover.jpg", "frame3.jpg.part"):
        (tmp_path / name).touch()
    (tmp_path / "frame5.jpg").mkdir()
    assert frame_files(str(tmp_path)) == ["frame0.jpg", "frame2.jpg", "frame007.jpg", "frame10.jpg"]


def test_numbers_must_be_unique(tmp_path: Path) -> None:
    for name in ("flow_x_0001.jpg", "flow_y_0001.jpg"):
        (tmp_path / name).touch()
    with pytest.raises(VideoError, match=r"'flow_x_0001\.jpg' and 'flow_y_0001\.jpg' are both its frame 1"):
        frame_files(str(tmp_path))


@pytest.mark.parametrize("decoder", ["auto", "frames"])
@pytest.mark.parametrize("extension", [".jpg", ".JPEG", ".png", ".bmp", ".webp"])
def test_frames_are_exactly_those_asked_for(tmp_path: Path, decoder: str, extension: str) -> None:
    folder = write_numbered_pictures(tmp_path / "video", NUM_FRAMES, first=40, extension=extension)
    with open_video(str(folder), decoder) as video:
        assert video.num_frames == NUM_FRAMES
        assert video.frame_rate == 0
        for asked in ([3], [0, 1, 2], [20, 4, 4, 11], list(range(NUM_FRAMES))):
            clip = video.frames(asked)
            assert clip.shape == (3, len(asked), 32, 64)
            assert clip.dtype == torch.uint8
            assert clip.is_contiguous()
            assert read_numbers(clip) == [40 + number for number in asked]
        assert read_numbers(video.frames([5], size=(20, 40))) == [45]


def test_gaps_in_the_numbers_are_no_frames(tmp_path: Path) -> None:
    folder = write_numbered_pictures(tmp_path / "video", 6)
    (folder / "frame000003.jpg").unlink()
    with open_video(str(folder)) as video:
        assert read_numbers(video.frames(range(video.num_frames))) == [0, 1, 3, 4, 5]


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_pictures_of_all_kinds_become_rgb(tmp_path: Path, mode: str) -> None:
    extension = "tiff" if mode == "none" else "jpg" if mode in ("L", "CMYK") else "png"
    picture = number_bars(5, 32, 64)
    for number in (1, 2):
        Image.fromarray(picture).convert(mode).save(tmp_path / f"frame{number}.{extension}")
    with open_video(str(tmp_path)) as video:
        assert read_numbers(video.frames([0, 1])) == [5, 5]


def test_progressive_and_turned_pictures(tmp_path: Path) -> None:
    upright = Image.fromarray(number_bars(9, 32, 96))
    turn = Image.Exif()
    turn[0x112] = 6  # to be turned clockwise by a quarter
    upright.rotate(90, expand=True).save(tmp_path / "frame1.jpg", exif=turn, progressive=True, quality=95)
    with open_video(str(tmp_path)) as video:
        frame = video.frames([0])
    assert frame.shape == (3, 1, 32, 96)
    assert read_numbers(frame) == [9]


def test_scaled_pictures_are_like_those_of_pillow(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    soft = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((320, 240), Image.BICUBIC)
    soft.save(tmp_path / "frame1.jpg", quality=95)
    with open_video(str(tmp_path)) as video:
        for height, width in ((128, 171), (60, 80), (112, 112), (300, 400)):
            ours = video.frames([0], (height, width))[:, 0].permute(1, 2, 0).numpy().astype(int)
            theirs = np.asarray(Image.open(tmp_path / "frame1.jpg").resize((width, height), Image.BILINEAR), int)
            assert np.abs(ours - theirs).mean() < 2


@pytest.mark.parametrize("extension", [".jpg", ".png"])
@pytest.mark.parametrize("fault", ["cut off", "empty", "text"])
def test_damaged_pictures_are_named(tmp_path: Path, extension: str, fault: str) -> None:
    folder = write_numbered_pictures(tmp_path / "video", 5, extension=extension)
    name = f"frame000003{extension}"
    if fault == "cut off":
        cut_off(folder / f"frame000004{extension}", folder / name)
    else:
        (folder / name).write_text("This is no picture.\n" * 40 if fault == "text" else "")
    with open_video(str(folder)) as video:
        assert read_numbers(video.frames([0, 1, 3])) == [0, 1, 3]
        with pytest.raises(VideoError, match=name) as caught:
            video.frames(range(5))
        assert caught.value.path == str(folder)
        assert read_numbers(video.frames([3, 4])) == [3, 4], "one bad picture must not spoil those after it"


def test_pictures_must_have_one_size(tmp_path: Path) -> None:
    folder = write_numbered_pictures(tmp_path / "video", 5)
    Image.fromarray(number_bars(2, 40, 64)).save(folder / "frame000003.jpg")
    for size in (None, (16, 32)):
        with (
            open_video(str(folder)) as video,
            pytest.raises(VideoError, match=r"frame000003\.jpg.* 64 x 40 .* 64 x 32"),
        ):
            video.frames(range(5), size)


def test_pictures_that_vanish(tmp_path: Path) -> None:
    folder = write_numbered_pictures(tmp_path / "video", 3)
    with open_video(str(folder)) as video:
        (folder / "frame000002.jpg").unlink()
        with pytest.raises(VideoError, match=r"frame000002\.jpg.*No such file"):
            video.frames([0, 1])


def test_folders_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    for decoder in ("auto", "frames"):
        with pytest.raises(VideoError, match=r"no pictures named like frame000001\.jpg"):
            open_video(str(tmp_path), decoder)
    for path, reason in ((tmp_path / "missing", "No such file"), (tmp_path / "notes.txt", "Not a directory")):
        with pytest.raises(VideoError, match=reason):
            open_video(str(path), "frames")


@pytest.mark.parametrize("asked", [[NUM_FRAMES], [-1], []])
def test_frame_numbers_out_of_range(tmp_path: Path, asked: list[int]) -> None:
    folder = write_numbered_pictures(tmp_path / "video", NUM_FRAMES)
    with open_video(str(folder)) as video, pytest.raises(IndexError, match=r"0\.\.23"):
        video.frames(asked)
