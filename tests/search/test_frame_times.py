"""When frames are shown."""

import pytest
from numbered_videos import copy_packets, write_numbered_pictures, write_numbered_video

from iic_ptv.data.decoding import open_video

DURATIONS = (20, 60, 200)  # milliseconds, in turn


@pytest.mark.parametrize("extension", [".mp4", ".mkv"])
def test_times_are_those_of_the_file_where_the_frame_rate_changes(extension, tmp_path) -> None:
    path = write_numbered_video(tmp_path / f"video{extension}", 12, durations=DURATIONS)
    expected = [sum(DURATIONS[frame % 3] for frame in range(number)) / 1000 for number in range(12)]
    with open_video(str(path)) as video:
        assert [video.index.seconds(frame) for frame in range(12)] == pytest.approx(expected, abs=1e-3)
        assert [video.index.frame_at(video.index.seconds(frame)) for frame in range(12)] == list(range(12))
        assert video.index.frame_at(expected[5] + 0.015) == 5
        assert (video.index.frame_at(-1), video.index.frame_at(100)) == (0, 11)


@pytest.mark.parametrize(("extension", "codec", "b_frames"), [(".mp4", "libx264", 2), (".avi", "mpeg4", 1)])
def test_a_constant_rate_is_that_of_the_file(extension, codec, b_frames, tmp_path) -> None:
    path = write_numbered_video(tmp_path / f"video{extension}", 30, codec=codec, b_frames=b_frames)
    with open_video(str(path)) as video:
        assert [video.index.seconds(frame) for frame in (0, 1, 29)] == pytest.approx([0, 0.04, 1.16])
        assert video.index.duration == pytest.approx(1.2)


def test_pictures_are_shown_at_25_per_second(tmp_path) -> None:
    with open_video(str(write_numbered_pictures(tmp_path / "frames", 5))) as video:
        assert video.index.seconds(4) == pytest.approx(0.16)
        assert video.index.duration == pytest.approx(0.2)


def test_a_rate_that_cannot_be_is_not_believed(tmp_path) -> None:
    """Files cut without care give all frames the same time, and their mean rate is thousands of frames per second."""
    video = write_numbered_video(tmp_path / "video.mp4", 30, b_frames=0)
    with open_video(str(copy_packets(video, tmp_path / "frozen.mp4", freeze_time=True))) as frozen:
        assert frozen.frame_rate > 240
        assert frozen.index.seconds(25) == pytest.approx(1)
        assert frozen.index.frame_at(1) == 25
        assert frozen.index.duration == pytest.approx(1.2)


def test_a_single_frame_lasts(tmp_path) -> None:
    with open_video(str(write_numbered_video(tmp_path / "one.mp4", 1))) as video:
        assert video.index.seconds(0) == 0
        assert video.index.duration > 0
