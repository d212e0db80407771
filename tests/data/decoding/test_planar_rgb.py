"""Planes of red, green and blue equal the pixels that FFmpeg makes the ordinary way."""

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from textured_videos import textured_picture

from iic_ptv.data.decoding.planar_rgb import PlanarRGB, displayed_size

HEIGHT, WIDTH = 48, 64


def frame_of(pixels: str, size: tuple[int, int] = (HEIGHT, WIDTH), **conversion: int) -> av.VideoFrame:
    picture = av.VideoFrame.from_ndarray(textured_picture(3, size), format="rgb24")
    return picture.reformat(format=pixels, threads=1, **conversion)


def planes_of(frame: av.VideoFrame, size: tuple[int, int] | None = None) -> np.ndarray:
    """The picture ``(H, W, 3)``, out of memory that held something else."""
    picture = np.full((3, *(size or displayed_size(frame))), 77, np.uint8)
    PlanarRGB().write(frame, picture)
    return picture.transpose(1, 2, 0).astype(int)


def pixels_of(frame: av.VideoFrame) -> np.ndarray:
    return frame.to_ndarray(format="rgb24").astype(int)


@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj420p", "yuv422p", "yuv444p", "gray", "rgb24", "bgra", "gbrp"])
@pytest.mark.parametrize("size", [(HEIGHT, WIDTH), (HEIGHT, 40), (46, 38), (32, 340)])
def test_planes_equal_pixels(pixels: str, size: tuple[int, int]) -> None:
    frame = frame_of(pixels, size)
    assert np.abs(planes_of(frame) - pixels_of(frame)).max() <= 2


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p"])
def test_rows_of_any_length_are_complete(pixels: str) -> None:
    for width in range(8, 90, 2):
        frame = frame_of(pixels, (16, width))
        assert np.abs(planes_of(frame) - pixels_of(frame)).max() <= 2, width


@pytest.mark.parametrize("pixels", ["yuv420p10le", "yuv422p10le", "yuv444p12le", "nv12", "yuv420p"])
def test_deep_and_odd_sources(pixels: str) -> None:
    frame = frame_of(pixels, (47, 61) if pixels == "yuv420p" else (HEIGHT, WIDTH))
    assert np.abs(planes_of(frame) - pixels_of(frame)).mean() < 3, "up to how colour is interpolated"


@pytest.mark.parametrize("matrix", [Colorspace.ITU601, Colorspace.ITU709, Colorspace.BT2020])
@pytest.mark.parametrize("levels", [ColorRange.MPEG, ColorRange.JPEG])
def test_matrix_and_range_of_the_source_count(matrix: Colorspace, levels: ColorRange) -> None:
    original = textured_picture(3, (HEIGHT, WIDTH)).astype(int)
    frame = frame_of("yuv444p", dst_colorspace=int(matrix), dst_color_range=int(levels))
    assert np.abs(planes_of(frame) - original).max() <= 4
    assert np.abs(planes_of(frame, (24, 32)) - original.reshape(24, 2, 32, 2, 3).mean((1, 3))).mean() < 5


def test_scaled_pictures_are_averages() -> None:
    """Of all the pixels that a scaled one covers, not of the nearest few."""
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    scaled = planes_of(av.VideoFrame.from_ndarray(noise, format="rgb24"), (24, 32))
    assert np.abs(scaled - 127.5).max() < 50
