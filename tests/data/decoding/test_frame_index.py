"""The frame index tells numbers and keyframes without decoding."""

from pathlib import Path

import pytest
from numbered_videos import copy_packets, write_numbered_video

from iic_ptv.data.decoding.frame_index import read_frame_index


def test_numbers_and_keyframes(tmp_path: Path) -> None:
    index = read_frame_index(str(write_numbered_video(tmp_path / "video.mp4", 30, gop=10, b_frames=0)))
    assert index.num_frames == len(index.times) == 30
    assert index.keyframes == (0, 10, 20)
    assert index.frame_rate == 25
    assert list(index.times) == sorted(set(index.times))


@pytest.mark.parametrize(("frame", "keyframe"), [(0, 0), (9, 0), (10, 10), (19, 10), (29, 20)])
def test_keyframe_before(tmp_path: Path, frame: int, keyframe: int) -> None:
    index = read_frame_index(str(write_numbered_video(tmp_path / "video.mp4", 30, gop=10, b_frames=0)))
    assert index.keyframe_before(frame) == keyframe


def test_only_times_that_name_frames_are_trusted(tmp_path: Path) -> None:
    video = write_numbered_video(tmp_path / "video.mp4", b_frames=0)
    assert read_frame_index(str(video)).seekable
    assert not read_frame_index(str(copy_packets(video, tmp_path / "frozen.mp4", freeze_time=True))).seekable
    for b_frames, seekable in ((0, True), (2, False)):
        avi = write_numbered_video(tmp_path / f"{b_frames}.avi", codec="mpeg4", b_frames=b_frames)
        assert read_frame_index(str(avi)).seekable == seekable
