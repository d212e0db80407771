"""Frame numbers of clips."""

import numpy as np
import pytest
import torch

from iic_ptv.errors import InputError
from iic_ptv.transforms.sampling import (
    check_sampling,
    clip_frames,
    fit_short,
    random_start,
    stride_at_rate,
    uniform_starts,
)


def test_consecutive_frames() -> None:
    assert clip_frames(3, 4) == [3, 4, 5, 6]
    assert clip_frames(0, 3, stride=4) == [0, 4, 8]
    assert all(len(clip_frames(1, length, stride)) == length for length in (1, 2, 7) for stride in (1, 2, 5))


@pytest.mark.parametrize("video_rate", [12.5, 24, 25, 29.97, 30, 60])
@pytest.mark.parametrize("target_rate", [8, 15, 25])
def test_frames_at_a_target_rate_are_those_shown_at_their_times(video_rate: float, target_rate: float) -> None:
    frames = clip_frames(10, 16, stride_at_rate(1, video_rate, target_rate))
    shown = [10 + int(number / target_rate * video_rate + 1e-9) for number in range(16)]
    assert frames == shown


def test_stride_counts_frames_at_the_target_rate() -> None:
    assert clip_frames(0, 4, stride_at_rate(2, video_rate=30, target_rate=15)) == [0, 4, 8, 12]


@pytest.mark.parametrize(("num_frames", "length", "stride", "last"), [(20, 16, 1, 4), (20, 4, 5, 4), (16, 16, 1, 0)])
def test_random_starts_are_uniform_over_all_that_fit(num_frames: int, length: int, stride: int, last: int) -> None:
    generator = torch.Generator().manual_seed(0)
    starts = [random_start(num_frames, length, stride, generator) for _ in range(1000)]
    assert set(starts) == set(range(last + 1))
    assert min(np.bincount(starts)) > 0.75 * 1000 / (last + 1)
    assert clip_frames(last, length, stride)[-1] <= num_frames - 1


def test_random_start_of_a_short_video_is_its_begin() -> None:
    assert {random_start(3, 16) for _ in range(20)} == {0}


@pytest.mark.parametrize("num_frames", [16, 17, 61, 100, 250])
@pytest.mark.parametrize("num_clips", [2, 3, 10])
def test_uniform_starts_follow_the_papers_formula(num_frames: int, num_clips: int) -> None:
    length = 16
    formula = np.linspace(length / 2, num_frames - length / 2, num_clips) - length / 2
    assert uniform_starts(num_frames, length, num_clips=num_clips) == np.floor(formula + 1e-9).astype(int).tolist()


def test_uniform_starts_cover_the_video() -> None:
    starts = uniform_starts(100, 16, stride=2)
    assert len(starts) == 10
    assert starts[0] == 0
    assert clip_frames(starts[-1], 16, 2)[-1] == 99
    assert uniform_starts(5, 16) == [0] * 10
    assert uniform_starts(100, 16, num_clips=1) == [0]


def test_short_videos_loop_or_pad() -> None:
    indices = clip_frames(0, 7)
    assert fit_short(indices, 3, "loop") == [0, 1, 2, 0, 1, 2, 0]
    assert fit_short(indices, 3, "pad") == [0, 1, 2, 2, 2, 2, 2]
    assert fit_short(indices, 7, "loop") == fit_short(indices, 7, "pad") == indices
    assert fit_short([0, 2, 4], 3, "loop") == [0, 2, 1]


def test_short_videos_can_be_refused() -> None:
    assert fit_short(clip_frames(0, 7), 7, "refuse") == list(range(7))
    with pytest.raises(InputError, match="it has 6 frames, fewer than the 7 that a clip spans"):
        fit_short(clip_frames(0, 7), 6, "refuse")


def test_options_are_checked() -> None:
    with pytest.raises(InputError, match="short: there is no 'mirror'; choose one of loop, pad, refuse"):
        fit_short([0], 1, "mirror")
    for wrong in ({"length": 0, "stride": 1}, {"length": 1, "stride": 0}, {"length": 1, "stride": 1, "num_clips": 0}):
        with pytest.raises(InputError, match="must be at least 1, got 0"):
            check_sampling(**wrong)
