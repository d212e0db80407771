"""Which clips of a video an index holds."""

from itertools import pairwise

import pytest

from iic_ptv.data.decoding.frame_index import FrameIndex
from iic_ptv.errors import InputError
from iic_ptv.search.clip_plan import ClipPlan

SPAN = 16


@pytest.mark.parametrize("num_frames", [17, 100, 1000, 40_000])
def test_no_moment_is_farther_from_a_clip_than_planned(num_frames) -> None:
    frames = FrameIndex(num_frames, frame_rate=25)
    starts = ClipPlan(every=2.0).starts(frames, SPAN)
    assert (starts[0], starts[-1]) == (0, num_frames - SPAN), "from the first frame to the last"
    assert all(0 < later - earlier <= 50 for earlier, later in pairwise(starts))
    assert len(starts) == min(max(-(-(num_frames - SPAN) // 50) + 1, 4), num_frames - SPAN + 1)


def test_long_videos_have_no_more_clips_than_allowed() -> None:
    starts = ClipPlan(every=0.5, most=7).starts(FrameIndex(10_000, frame_rate=25), SPAN)
    assert len(starts) == 7
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert max(gaps) - min(gaps) <= 2


@pytest.mark.parametrize("num_frames", [1, 15, 16, 17])
def test_short_videos_have_each_clip_once(num_frames) -> None:
    starts = ClipPlan().starts(FrameIndex(num_frames, frame_rate=25), SPAN)
    assert starts == list(range(max(num_frames - SPAN, 0) + 1))


def test_clips_are_spread_over_time_where_the_frame_rate_changes() -> None:
    # 100 frames in the first second, then 100 in the next hundred.
    times = [*range(0, 1000, 10), *range(1000, 101_000, 1000)]
    frames = FrameIndex(len(times), frame_rate=2, times=times, time_base=1e-3)
    starts = ClipPlan(every=5.0, least=1).starts(frames, span=1)
    seconds = [frames.seconds(start) for start in starts]
    assert all(later - earlier <= 6 for earlier, later in pairwise(seconds)), "5 s, and a frame"
    assert len(seconds) == 21


@pytest.mark.parametrize("options", [{"every": 0.0}, {"every": float("nan")}, {"least": 0}, {"least": 5, "most": 4}])
def test_impossible_plans_are_refused(options) -> None:
    with pytest.raises(InputError, match="clip every so many seconds"):
        ClipPlan(**options)
