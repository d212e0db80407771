"""How clips are read: rates, short videos, flow beside pictures, time limits."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import torch
from numbered_videos import FRAMES, read_numbers, write_numbered_video
from PIL import Image
from torch import Tensor

from iic_ptv.data.clip_reader import ClipReader
from iic_ptv.data.clips import ClipDataset, EvaluationClipDataset
from iic_ptv.data.collections import class_folders
from iic_ptv.data.decoding import VideoError
from iic_ptv.data.index import Video, VideoIndex
from iic_ptv.errors import InputError


def from_the_begin(num_frames: int, stride: float) -> list[int]:
    return [0]


def video(path: Path) -> Video:
    return Video(str(path), path.name)


@pytest.mark.parametrize(
    ("frame_rate", "stride", "expected"),
    [(12.5, 1, [0, 2, 4, 6]), (50, 1, [0, 0, 1, 1]), (20, 1, [0, 1, 2, 3]), (12.5, 3, [0, 6, 12, 18])],
)
def test_videos_are_brought_to_a_frame_rate(video_folder, frame_rate, stride, expected) -> None:
    first = class_folders(video_folder)[0]  # 25 frames per second
    [clip] = ClipReader(clip_length=4, stride=stride, frame_rate=frame_rate).read(first, from_the_begin)
    assert read_numbers(clip["video"]) == expected


def test_frame_rate_needs_a_video_that_tells_its_own(tmp_path) -> None:
    for number in range(4):
        Image.new("RGB", (16, 16)).save(tmp_path / f"frame{number:06}.jpg")
    with pytest.raises(VideoError, match="it does not tell its frame rate"):
        ClipReader(clip_length=4, frame_rate=25).read(video(tmp_path), from_the_begin)


def test_short_videos_can_be_refused_and_are_then_bad(tmp_path) -> None:
    short = write_numbered_video(tmp_path / "short.mp4", 6)
    with pytest.raises(VideoError, match=r"short.mp4: it has 6 frames, fewer than the 8 that a clip spans"):
        ClipReader(clip_length=8, short="refuse").read(video(short), from_the_begin)
    [clip] = ClipReader(clip_length=6, short="refuse").read(video(short), from_the_begin)
    assert read_numbers(clip["video"]) == list(range(6))


def test_clips_that_overlap_are_cut_from_frames_decoded_once(video_folder) -> None:
    first = class_folders(video_folder)[0]
    clips = ClipReader(clip_length=8).read(first, lambda num_frames, stride: [3, 0, num_frames - 8])
    assert [read_numbers(clip["video"])[0] for clip in clips] == [3, 0, 12]
    assert all(clip["video"].is_contiguous() for clip in clips)


class NumberOfTheNextFrame:
    """Optical flow that holds numbers: u that of the frame before the motion, v that of the one after."""

    def frames_needed(self, indices: Sequence[int], num_frames: int) -> list[int]:
        return [min(index + 1, num_frames - 1) for index in indices]

    def flow(
        self,
        video: Video,
        indices: Sequence[int],
        pictures: Mapping[int, Tensor],
        num_frames: int,
        size: tuple[int, int],
    ) -> Tensor:
        after = self.frames_needed(indices, num_frames)
        numbers = [[read_numbers(pictures[frame][:, None])[0] for frame in frames] for frames in (indices, after)]
        return torch.tensor(numbers, dtype=torch.uint8)[..., None, None].expand(2, len(indices), *size)


def test_flow_comes_beside_the_pictures(video_folder) -> None:
    index = class_folders(video_folder)
    reader = ClipReader(clip_length=4, flow=NumberOfTheNextFrame())
    sample = ClipDataset(index, reader)[0]
    assert sample["flow"].shape == (2, 4, 32, 64)
    shown = read_numbers(sample["video"])
    assert sample["flow"][0, :, 0, 0].tolist() == shown
    assert sample["flow"][1, :, 0, 0].tolist() == [min(number + 1, FRAMES - 1) for number in shown]
    assert EvaluationClipDataset(index, reader, num_clips=3)[0]["flow"].shape == (3, 2, 4, 32, 64)


def test_a_video_that_hangs_is_given_up(tmp_path) -> None:
    os.mkfifo(tmp_path / "frame000001.jpg")  # whoever opens it waits for a writer
    with pytest.raises(VideoError, match=r"reading it took longer than 0.2 s"):
        ClipReader(time_limit=0.2).read(video(tmp_path), from_the_begin)


def test_a_video_that_hangs_is_replaced_in_a_worker(video_folder, tmp_path) -> None:
    os.mkfifo(tmp_path / "frame000001.jpg")
    index = VideoIndex((video(tmp_path), *class_folders(video_folder)[:2]))
    dataset = ClipDataset(index, ClipReader(clip_length=4, time_limit=0.2))
    [sample] = torch.utils.data.DataLoader(dataset, batch_size=None, sampler=[0], num_workers=1)
    assert sample["video_index"] in (1, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clip_length": 0}, "The clip length must be at least 1, got 0"),
        ({"stride": 0}, "The stride must be at least 1, got 0"),
        ({"short": "mirror"}, "short: there is no 'mirror'"),
        ({"decoder": "quicktime"}, "decoder: there is no 'quicktime'"),
    ],
)
def test_options_are_checked(options, message) -> None:
    with pytest.raises(InputError, match=message):
        ClipReader(**options)
