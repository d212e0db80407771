"""Flow against closed forms: patterns that move by known distances, and stored against computed."""

import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from iic_ptv.data.decoding import VideoError
from iic_ptv.data.flow import FlowSource, decode_flow, encode_flow, flow_source
from iic_ptv.data.flow.computed import ComputedFlow
from iic_ptv.data.flow.folder import FlowFolder
from iic_ptv.data.index import Video
from iic_ptv.errors import InputError

MOTIONS = [(0, 0), (3, 0), (0, 3), (-2, 1), (4, -3)]
VIDEO = Video("/videos/run/a.mp4", "a.mp4", key="run/a")


def moving_pattern(right: int, down: int, num_frames: int = 4, size: tuple[int, int] = (64, 96)) -> dict[int, Tensor]:
    """Pictures ``(3, H, W)`` of a smooth random pattern that moves by so many pixels per frame."""
    height, width = size
    margin = 4 * num_frames
    noise = torch.rand(1, 3, height + 2 * margin, width + 2 * margin, generator=torch.Generator().manual_seed(0))
    blurred = torch.nn.functional.avg_pool2d(noise, 7, stride=1, padding=3)
    pattern = ((blurred - 0.5) * 700 + 128).clamp(0, 255).to(torch.uint8)[0]
    return {
        frame: pattern[:, margin - down * frame :, margin - right * frame :][:, :height, :width].contiguous()
        for frame in range(num_frames)
    }


def inner(flow: Tensor) -> Tensor:
    """Without the margin, where the pattern leaves the picture."""
    return flow[..., 16:-16, 16:-16]


@pytest.mark.parametrize("method", ["dis", "tvl1"])
@pytest.mark.parametrize(("right", "down"), MOTIONS)
def test_u_is_motion_to_the_right_and_v_downwards(method, right, down) -> None:
    flow = flow_source(method).flow(VIDEO, [0, 1, 2], moving_pattern(right, down), 4, (64, 96))
    assert (flow.dtype, flow.shape) == (torch.uint8, (2, 3, 64, 96))
    u, v = inner(decode_flow(flow))
    assert (u - right).abs().mean() < 0.35
    assert (v - down).abs().mean() < 0.35


def test_the_last_frame_repeats_the_motion_before_it() -> None:
    source, pictures = flow_source("dis"), moving_pattern(2, 0)
    flow = source.flow(VIDEO, [3, 2, 0, 2], pictures, 4)
    assert torch.equal(flow[:, 0], flow[:, 1])
    assert torch.equal(flow[:, 1], flow[:, 3])
    assert not torch.equal(flow[:, 1], flow[:, 2])
    assert source.frames_needed([3, 2, 0, 2], 4) == [0, 1, 2, 3]
    assert source.frames_needed([3], 4) == [2, 3]
    assert source.frames_needed([1], 4) == [1, 2]


def test_one_frame_does_not_move() -> None:
    source = flow_source("dis")
    assert source.frames_needed([0, 0], 1) == [0]
    assert (source.flow(VIDEO, [0, 0], moving_pattern(0, 0), 1) == 128).all()


def test_scaling_leaves_the_displacements() -> None:
    source, pictures = flow_source("dis"), moving_pattern(3, -2)
    u, v = decode_flow(source.flow(VIDEO, [0], pictures, 4, (32, 48)))
    assert u.shape == (1, 32, 48)
    assert u[0, 8:-8, 8:-8].mean() == pytest.approx(3, abs=0.2)
    assert v[0, 8:-8, 8:-8].mean() == pytest.approx(-2, abs=0.2)


def test_the_eight_bit_form() -> None:
    pixels = torch.linspace(-25, 25, 1001)
    assert encode_flow(torch.tensor([-99.0, -20.0, 0.0, 20.0, 99.0])).tolist() == [0, 0, 128, 255, 255]
    assert (decode_flow(encode_flow(pixels)) - pixels.clamp(-20, 20)).abs().max() <= 20 / 255 + 1e-5
    assert (decode_flow(encode_flow(pixels, 5), 5) - pixels.clamp(-5, 5)).abs().max() <= 5 / 255 + 1e-5
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(encode_flow(decode_flow(every)), every)


def test_pictures_that_are_too_small_are_the_videos_fault() -> None:
    with pytest.raises(VideoError, match=r"4 x 4 pixels") as error:
        flow_source("dis").flow(VIDEO, [0], moving_pattern(0, 0, size=(4, 4)), 4)
    assert error.value.path == VIDEO.path


def write_flow_pictures(root: Path, folder: str, num_pictures: int, size: tuple[int, int] = (20, 30)) -> Tensor:
    """Grey pictures of u and of v, each of one brightness, which is returned as ``(2, T)``."""
    levels = torch.randint(256, (2, num_pictures), generator=torch.Generator().manual_seed(1))
    for component, row in zip("uv", levels, strict=True):
        (root / component / folder).mkdir(parents=True)
        for number, level in enumerate(row, start=1):
            picture = Image.new("L", (size[1], size[0]), int(level))
            picture.save(root / component / folder / f"frame{number:06}.jpg", quality=95)
    return levels


@pytest.mark.parametrize("folder", ["run/a", "a"])
@pytest.mark.parametrize("num_frames", [5, 6])
def test_stored_flow_is_found_under_the_key_or_the_name(tmp_path, folder, num_frames) -> None:
    levels = write_flow_pictures(tmp_path, folder, 5)
    (tmp_path / "u" / folder / "Thumbs.db").touch()
    source: FlowSource = flow_source(str(tmp_path))
    assert source.frames_needed([0, 1], num_frames) == []
    flow = source.flow(VIDEO, [4, 0, num_frames - 1, 0], {}, num_frames, (10, 15))
    assert (flow.dtype, flow.shape, flow.is_contiguous()) == (torch.uint8, (2, 4, 10, 15), True)
    assert (flow[..., 5, 5] - levels[:, [4, 0, 4, 0]]).abs().max() <= 1  # JPEG
    assert source.flow(VIDEO, [0], {}, num_frames).shape == (2, 1, 20, 30)


def test_what_is_missing_is_named(tmp_path) -> None:
    write_flow_pictures(tmp_path, "run/a", 5)
    source = FlowFolder(tmp_path)
    with pytest.raises(VideoError, match=r"there is no folder of its optical flow, '.*u/run/b'") as error:
        source.flow(Video("/videos/run/b.mp4", "b.mp4", key="run/b"), [0], {}, 5)
    assert error.value.path == "/videos/run/b.mp4"
    with pytest.raises(VideoError, match=r"run/a' has 5 pictures for 7 frames"):
        source.flow(VIDEO, [0], {}, 7)
    (tmp_path / "v/run/a/frame000002.jpg").write_bytes(b"no picture")
    with pytest.raises(VideoError, match=r"frame000002\.jpg"):
        source.flow(VIDEO, [1], {}, 5)
    assert source.flow(VIDEO, [0, 2], {}, 5).shape == (2, 2, 20, 30)


def test_names_that_are_no_source(tmp_path) -> None:
    (tmp_path / "u").mkdir()
    with pytest.raises(InputError, match=r"no folder '.*/v'.*dis or tvl1"):
        flow_source(str(tmp_path))
    with pytest.raises(InputError, match="no method 'farneback'; choose one of dis, tvl1"):
        ComputedFlow("farneback")
    with pytest.raises(InputError, match="more than 0"):
        ComputedFlow("dis", bound=0)


def test_opencv_is_asked_for_where_it_is_needed(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(InputError, match=r'pip install "iic-ptv\[flow\]"'):
        flow_source("dis")
    write_flow_pictures(tmp_path, "run/a", 2)
    assert flow_source(str(tmp_path)).flow(VIDEO, [0], {}, 2).shape == (2, 1, 20, 30)
