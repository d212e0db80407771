"""Frames one after another are those that a reader gives by number."""

import pytest
import torch
from numbered_videos import write_numbered_video
from PIL import Image

from iic_ptv.data.decoding import open_video
from iic_ptv.data.preparation.pictures import pictures, scaled_size


@pytest.mark.parametrize("size", [None, (20, 34)])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_pictures_are_the_frames(tmp_path, kind, size) -> None:
    video = write_numbered_video(tmp_path / "video.mp4", 20)
    if kind == "folder":
        with open_video(str(video)) as opened:
            frames = opened.frames(range(20)).permute(1, 2, 3, 0).numpy()
        video = tmp_path / "frames"
        video.mkdir()
        for number, frame in enumerate(frames):
            Image.fromarray(frame).save(video / f"frame{number:06}.png")
    with open_video(str(video)) as opened:
        expected = opened.frames(range(20), size)
    assert torch.equal(torch.stack(list(pictures(str(video), size)), dim=1), expected)


@pytest.mark.parametrize(
    ("size", "short_side", "upscale", "expected"),
    [
        ((240, 320), 128, False, (128, 171)),
        ((320, 240), 128, False, (171, 128)),
        ((100, 200), 128, False, (100, 200)),
        ((100, 200), 128, True, (128, 256)),
        ((100, 200), 0, True, (100, 200)),
        ((1000, 1), 1, False, (1000, 1)),
        ((1, 1000), 0, False, (1, 1000)),
    ],
)
def test_sizes_by_the_shorter_side(size, short_side, upscale, expected) -> None:
    assert scaled_size(*size, short_side, upscale) == expected
