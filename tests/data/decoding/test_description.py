"""Videos are described as they are."""

from pathlib import Path

import pytest
from numbered_videos import write_numbered_pictures, write_numbered_video

from iic_ptv.data.decoding import VideoDescription, VideoError, describe_video


def test_video_files(tmp_path: Path) -> None:
    h264 = write_numbered_video(tmp_path / "video.mp4", 30, size=(32, 64), gop=12)
    assert describe_video(str(h264)) == VideoDescription(30, 25.0, 32, 64, "h264", gop=12)
    mpeg4 = write_numbered_video(tmp_path / "video.avi", 30, size=(48, 32), codec="mpeg4", gop=7, b_frames=0)
    assert describe_video(str(mpeg4)) == VideoDescription(30, 25.0, 48, 32, "mpeg4", gop=7)
    long_gop = write_numbered_video(tmp_path / "long.mkv", 30, gop=250)
    assert describe_video(str(long_gop)).gop == 30


def test_sizes_are_those_on_display(tmp_path: Path) -> None:
    lying = write_numbered_video(tmp_path / "lying.mp4", 4, size=(32, 96), rotation=90)
    described = describe_video(str(lying))
    assert (described.height, described.width) == (96, 32)


@pytest.mark.parametrize(("extension", "codec"), [(".jpg", "mjpeg"), (".png", "png")])
def test_folders_of_pictures(tmp_path: Path, extension: str, codec: str) -> None:
    folder = write_numbered_pictures(tmp_path / "video", 5, size=(32, 40), extension=extension)
    assert describe_video(str(folder)) == VideoDescription(5, 0.0, 32, 40, codec, gop=1)


@pytest.mark.parametrize("fault", ["text", "empty", "truncated", "truncated_streamable", "sound", "missing", "folder"])
def test_what_cannot_be_read(bad_files: dict[str, Path], fault: str) -> None:
    with pytest.raises(VideoError) as caught:
        describe_video(str(bad_files[fault]))
    assert caught.value.path == str(bad_files[fault])
