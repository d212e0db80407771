"""Frames that are sought, with others left out, equal those of a plain decode from the first to the last."""

from pathlib import Path

import av
import pytest
import torch
from h264_headers import drop_usability_information
from numbered_videos import copy_packets
from textured_videos import ENCODINGS, NUM_FRAMES, write_textured_video
from torch import Tensor

from iic_ptv.data.decoding.pyav_reader import PyAVReader

ASKED = {
    "clips": [list(range(start, start + 8)) for start in (*range(0, NUM_FRAMES - 8, 5), NUM_FRAMES - 8)],
    "single frames": [[number] for number in range(NUM_FRAMES)],
    "far apart": [[0, 20, 49], [3, 4, 30, 31], [1, 48], [11, 13, 24, 26, 36]],
    "every second": [list(range(0, NUM_FRAMES, 2)), list(range(5, 40, 2))],
    "all": [list(range(NUM_FRAMES))],
}


@pytest.fixture(scope="module", params=ENCODINGS)
def video(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_textured_video(tmp_path_factory.mktemp("video") / request.param, **ENCODINGS[request.param]))


@pytest.fixture(scope="module")
def all_frames(video: str) -> Tensor:
    """All frames ``(3, T, H, W)``, as FFmpeg gives them one after another."""
    with av.open(video) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return torch.stack([torch.from_numpy(picture) for picture in pictures]).permute(3, 0, 1, 2)


@pytest.mark.parametrize("asked", ASKED)
def test_frames_equal_a_plain_decode(video: str, all_frames: Tensor, asked: str) -> None:
    with PyAVReader(video) as one_after_another:
        for numbers in ASKED[asked]:
            with PyAVReader(video) as opened_anew:
                assert torch.equal(opened_anew.frames(numbers), all_frames[:, numbers]), numbers
            assert torch.equal(one_after_another.frames(numbers), all_frames[:, numbers]), numbers


def test_pictures_are_all_frames(video: str, all_frames: Tensor) -> None:
    with PyAVReader(video) as reader:
        assert torch.equal(torch.stack([*reader.pictures()], dim=1), all_frames)
        assert torch.equal(reader.frames([7]), all_frames[:, [7]]), "frames can be had after all pictures"


@pytest.mark.parametrize("name", ["short_gop.mp4", "b_pyramid.mp4"])
@pytest.mark.parametrize("target", ["plain.mp4", "fragmented.mp4", "matroska.mkv"])
def test_streams_that_do_not_tell_how_far_they_reorder(tmp_path: Path, name: str, target: str) -> None:
    """In such streams FFmpeg by itself loses frames until it has found out."""
    complete = write_textured_video(tmp_path / name, **ENCODINGS[name])
    silent = drop_usability_information(complete, tmp_path / f"silent_{name}")
    options = {"movflags": "frag_keyframe+empty_moov"} if target == "fragmented.mp4" else {}
    copy = copy_packets(silent, tmp_path / target, container_options=options)
    with PyAVReader(str(complete)) as expected, PyAVReader(str(copy)) as reader:
        for numbers in (*ASKED["clips"], *ASKED["single frames"], *ASKED["all"]):
            assert torch.equal(reader.frames(numbers), expected.frames(numbers)), numbers


@pytest.mark.parametrize(
    "name", ["msmpeg4.avi", "mpeg4.avi", "mpeg4_b_frames.avi", "mpeg4_b_frames.mp4", "short_gop.mp4"]
)
def test_files_that_call_every_frame_a_keyframe(tmp_path: Path, name: str) -> None:
    honest = write_textured_video(tmp_path / name, **ENCODINGS[name])
    content = bytearray(honest.read_bytes())
    if name.endswith(".mp4"):
        content = content.replace(b"stss", b"free")  # without a table of keyframes all are
    else:
        begin = content.rindex(b"idx1") + 8
        for entry in range(begin, begin + 16 * NUM_FRAMES, 16):
            content[entry + 4] |= 0x10
    boastful = tmp_path / f"boastful_{name}"
    boastful.write_bytes(content)
    with PyAVReader(str(honest)) as expected, PyAVReader(str(boastful)) as reader:
        for numbers in (*ASKED["clips"], *ASKED["single frames"]):
            assert torch.equal(reader.frames(numbers), expected.frames(numbers)), numbers
