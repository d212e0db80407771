"""The same frame is the same picture whichever decoder reads it, up to the ways of resampling."""

from pathlib import Path

import pytest
import torch
from decoders import FILE_DECODERS, NEEDS_TORCHCODEC
from PIL import Image
from textured_videos import ENCODINGS, NUM_FRAMES, write_textured_video, x264, x265
from torch import Tensor

from iic_ptv.data.decoding import VideoError, open_video

ASKED = [0, 1, 11, 12, 13, 30, 29, NUM_FRAMES - 1]
CONVERSION = 0.5  # grey levels, mean of a frame
RESAMPLING = 5.0  # and decord at half the resolution of colour
SCALED = 64, 80
READ_BY_ALL = {
    "long_gop.mp4": x264(g="250"),
    "short_gop.mp4": x264(),
    "hevc.mp4": x265("open-gop=0:bframes=4"),
    "mpeg4.avi": ENCODINGS["mpeg4.avi"],
    "mjpeg.avi": ENCODINGS["mjpeg.avi"],
    "vp9.webm": ENCODINGS["vp9.webm"],
    "variable_rate.mp4": ENCODINGS["variable_rate.mp4"],
    "fragmented.mp4": ENCODINGS["fragmented.mp4"],
    "odd_size.mp4": x264() | {"size": (47, 61), "pixels": "yuv444p"},
    "rows_of_odd_length.mp4": x264() | {"size": (46, 70)},
    "one_frame.mp4": x264() | {"num_frames": 1},
}


def difference(one: Tensor, other: Tensor) -> float:
    """Mean difference in grey levels of the frame that differs most."""
    assert one.shape == other.shape
    return (one.int() - other.int()).abs().float().mean(dim=(0, 2, 3)).max().item()


def frames(path: str, decoder: str, size: tuple[int, int] | None = None) -> Tensor:
    with open_video(path, decoder) as video:
        return video.frames([min(number, video.num_frames - 1) for number in ASKED], size)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("agree")
    return {name: str(write_textured_video(root / name, **options)) for name, options in READ_BY_ALL.items()}


def test_another_frame_would_show(videos: dict[str, str]) -> None:
    for size in (None, (24, 32)):
        with open_video(videos["short_gop.mp4"]) as video:
            clip = video.frames(range(NUM_FRAMES), size)
        for number in range(NUM_FRAMES):
            others = [other for other in range(NUM_FRAMES) if other != number]
            assert (clip[:, others].int() - clip[:, [number]].int()).abs().float().mean((0, 2, 3)).min() > 8


@pytest.mark.parametrize("decoder", FILE_DECODERS)
@pytest.mark.parametrize("name", READ_BY_ALL)
def test_decoders_agree(videos: dict[str, str], name: str, decoder: str) -> None:
    assert difference(frames(videos[name], decoder), frames(videos[name], "pyav")) < CONVERSION
    for size in ((24, 32), (30, 50), (64, 96)):
        assert difference(frames(videos[name], decoder, size), frames(videos[name], "pyav", size)) < RESAMPLING


@pytest.mark.parametrize("decoder", FILE_DECODERS)
@pytest.mark.parametrize("name", ENCODINGS)
def test_decoders_agree_or_refuse(tmp_path: Path, name: str, decoder: str) -> None:
    """No decoder returns other frames than asked for, of open GOPs, transport streams and the like either."""
    path = str(write_textured_video(tmp_path / name, **ENCODINGS[name]))
    try:
        found = frames(path, decoder)
    except VideoError:
        assert decoder not in ("auto", "pyav")
    else:
        assert difference(found, frames(path, "pyav")) < CONVERSION


def test_a_folder_of_the_same_pictures_agrees(videos: dict[str, str], tmp_path: Path) -> None:
    with open_video(videos["short_gop.mp4"]) as video:
        for number, picture in enumerate(video.frames(range(NUM_FRAMES)).permute(1, 2, 3, 0).numpy(), start=1):
            Image.fromarray(picture).save(tmp_path / f"frame{number:06}.jpg", quality=98, subsampling=0)
    assert difference(frames(str(tmp_path), "frames"), frames(videos["short_gop.mp4"], "pyav")) < 1.5
    for size in ((24, 32), (20, 50), (64, 96)):
        scaled = frames(str(tmp_path), "frames", size)
        assert difference(scaled, frames(videos["short_gop.mp4"], "pyav", size)) < RESAMPLING
        torch_scaled = torch.nn.functional.interpolate(
            frames(str(tmp_path), "frames").transpose(0, 1).float(), size, mode="bilinear", antialias=True
        )
        assert difference(scaled, torch_scaled.transpose(0, 1)) < RESAMPLING


@pytest.fixture(scope="module")
def real_frames(real_data: Path) -> dict[str, Tensor]:
    """Scaled frames of real files by path."""
    files = sorted((real_data / "raw_samples").glob("*"))
    return {str(file): frames(str(file), "auto", SCALED) for file in files}


def test_real_files_show_pictures(real_frames: dict[str, Tensor]) -> None:
    assert real_frames
    for scaled in real_frames.values():
        assert scaled.shape == (3, len(ASKED), *SCALED)
        assert scaled.float().std(dim=(0, 2, 3)).min() > 1, "pictures, not blanks"


@pytest.mark.parametrize("decoder", ["decord", pytest.param("torchcodec", marks=NEEDS_TORCHCODEC)])
def test_decoders_agree_on_real_files(real_frames: dict[str, Tensor], decoder: str) -> None:
    read = 0
    for file, expected in real_frames.items():
        try:
            scaled = frames(file, decoder, SCALED)
        except VideoError:
            continue
        assert difference(scaled, expected) < RESAMPLING, file
        read += 1
    assert read >= len(real_frames) / 2
