"""Readers let go of their files, also when something goes wrong."""

import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from decoders import FILE_DECODERS
from numbered_videos import write_numbered_pictures, write_numbered_video

from iic_ptv.data.decoding import VideoError, describe_video, open_video, time_limit

OPEN_FILES = Path("/proc/self/fd")
pytestmark = pytest.mark.skipif(not OPEN_FILES.exists(), reason="needs /proc")


def stay_open(work: Callable[[], object]) -> int:
    """How many more files are open after it was done three times; the first time may open some for good."""
    work()
    before = len(os.listdir(OPEN_FILES))
    for _ in range(3):
        work()
    return len(os.listdir(OPEN_FILES)) - before


def read(path: str, decoder: str, indices: list[int] | None = None) -> None:
    try:
        with open_video(path, decoder) as video:
            video.frames(indices or range(video.num_frames))
    except (VideoError, IndexError):
        pass


@pytest.fixture(autouse=True)
def no_garbage_collection() -> None:
    """Files must be closed, not left to the garbage collector; it is only run ahead."""
    gc.collect()


@pytest.mark.parametrize("decoder", FILE_DECODERS)
@pytest.mark.parametrize("fault", ["text", "empty", "truncated", "truncated_streamable", "sound", "missing", "folder"])
def test_after_files_that_cannot_be_read(bad_files: dict[str, Path], fault: str, decoder: str) -> None:
    assert stay_open(lambda: read(str(bad_files[fault]), decoder)) == 0


@pytest.mark.parametrize("decoder", FILE_DECODERS)
def test_after_reading_and_after_a_wrong_number(tmp_path: Path, decoder: str) -> None:
    video = str(write_numbered_video(tmp_path / "video.mp4"))
    assert stay_open(lambda: read(video, decoder)) == 0
    assert stay_open(lambda: read(video, decoder, [1000])) == 0


def test_after_frames_that_cannot_be_decoded(tmp_path: Path) -> None:
    content = bytearray(write_numbered_video(tmp_path / "video.mp4", 60, gop=5).read_bytes())
    media = content.index(b"mdat")
    content[media + 800 : media + 1900] = bytes(1100)
    (tmp_path / "damaged.mp4").write_bytes(content)
    assert stay_open(lambda: read(str(tmp_path / "damaged.mp4"), "pyav")) == 0


def test_after_counting_frames_and_after_pictures(tmp_path: Path) -> None:
    counted = str(write_numbered_video(tmp_path / "video.avi", b_frames=2))
    assert stay_open(lambda: read(counted, "pyav")) == 0
    folder = str(write_numbered_pictures(tmp_path / "folder", 4))
    assert stay_open(lambda: read(folder, "frames")) == 0
    Path(folder, "frame000002.jpg").write_text("no picture")
    assert stay_open(lambda: read(folder, "frames")) == 0
    assert stay_open(lambda: describe_video(counted)) == 0
    assert stay_open(lambda: describe_video(folder)) == 0


def test_after_an_interruption(tmp_path: Path) -> None:
    video = str(write_numbered_video(tmp_path / "long.mp4", 1000, b_frames=0))

    def interrupted() -> None:
        with pytest.raises(VideoError, match="longer"), time_limit(0.003, video), open_video(video) as reader:
            reader.frames(range(1000))
        gc.collect()  # a container that was interrupted just when it was open refers to itself

    assert stay_open(interrupted) == 0
