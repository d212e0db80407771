"""The frame index tells numbers and keyframes without decoding."""

from contextlib import closing
from pathlib import Path

import av
import pytest
from numbered_videos import copy_packets, cut_off, write_numbered_video
from textured_videos import ENCODINGS, NUM_FRAMES, write_textured_video

from iic_ptv.data.decoding import VideoError
from iic_ptv.data.decoding.frame_index import FrameIndex, index_frames
from iic_ptv.data.decoding.streams import OpenVideo


def index_of(path: Path) -> FrameIndex:
    with closing(OpenVideo(str(path))) as video:
        return index_frames(video)


def test_numbers_and_keyframes(tmp_path: Path) -> None:
    index = index_of(write_numbered_video(tmp_path / "video.mp4", 30, gop=10, b_frames=0))
    assert index.num_frames == len(index.times) == 30
    assert index.keyframes == [0, 10, 20]
    assert index.reorder_depth == 0
    assert index.closed_gops
    assert index.frame_rate == 25
    assert index.times == sorted({*index.times})


@pytest.mark.parametrize(("frame", "keyframe"), [(0, 0), (9, 0), (10, 10), (19, 10), (29, 20)])
def test_keyframe_before(frame: int, keyframe: int) -> None:
    assert FrameIndex(30, 25, keyframes=[0, 10, 20]).keyframe_before(frame) == keyframe


@pytest.mark.parametrize("name", [name for name in ENCODINGS if not name.endswith((".avi", ".h264"))])
def test_the_index_is_what_all_packets_tell(tmp_path: Path, name: str) -> None:
    """Most of these are not read through to the end for it."""
    path = write_textured_video(tmp_path / name, **ENCODINGS[name])
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    shown = sorted(packets, key=lambda packet: packet.pts)
    index = index_of(path)
    assert index.num_frames == NUM_FRAMES
    assert index.times == [packet.pts for packet in shown]
    assert index.keyframes == [number for number, packet in enumerate(shown) if packet.is_keyframe]
    ahead = [sum(other.pts > packet.pts for other in packets[:place]) for place, packet in enumerate(packets)]
    assert index.reorder_depth == max(ahead)
    keyframes = [place for place, packet in enumerate(packets) if packet.is_keyframe]
    late = (other.pts < packets[place].pts for place in keyframes for other in packets[place:])
    assert index.closed_gops == (not any(late))


def test_open_gops_are_recognized(tmp_path: Path) -> None:
    closed = {
        name: index_of(write_textured_video(tmp_path / name, **ENCODINGS[name])).closed_gops
        for name in ("short_gop.mp4", "open_gop.mp4", "hevc.mp4", "hevc_open_gop.mp4")
    }
    assert closed == {"short_gop.mp4": True, "open_gop.mp4": False, "hevc.mp4": True, "hevc_open_gop.mp4": False}


def test_only_times_that_name_frames_are_trusted(tmp_path: Path) -> None:
    video = write_numbered_video(tmp_path / "video.mp4", b_frames=0)
    assert index_of(video).seekable
    assert not index_of(copy_packets(video, tmp_path / "frozen.mp4", freeze_time=True)).seekable
    for b_frames, seekable in ((0, True), (2, False)):
        avi = write_numbered_video(tmp_path / f"{b_frames}.avi", codec="mpeg4", b_frames=b_frames)
        assert index_of(avi).seekable == seekable


def test_frames_of_an_avi_file_come_out_one_packet_later_with_b_frames(tmp_path: Path) -> None:
    for b_frames, releases in ((0, [0, 1, 2, 3, 4, 5]), (2, [1, 2, 3, 4, 5, None])):
        index = index_of(write_numbered_video(tmp_path / f"{b_frames}.avi", 6, codec="mpeg4", b_frames=b_frames))
        assert index.releases == releases
    h264 = index_of(write_numbered_video(tmp_path / "h264.avi", 6, b_frames=2))
    assert h264 == FrameIndex(6, 25), "nothing is known but to count"


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_files_that_are_cut_off_before_frames_that_they_list(tmp_path: Path, share: float) -> None:
    whole = write_numbered_video(tmp_path / "whole.mp4", 60, container_options={"movflags": "faststart"})
    with pytest.raises(VideoError, match="cut off"):
        index_of(cut_off(whole, tmp_path / "cut.mp4", share))
