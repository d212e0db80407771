"""Reading that takes too long is interrupted, whatever it waits for."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from numbered_videos import write_numbered_pictures, write_numbered_video
from torch.utils.data import DataLoader, Dataset

from iic_ptv.data.decoding import VideoError, open_video, time_limit

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signals")


@pytest.fixture
def hanging(tmp_path: Path) -> str:
    """A folder of frames of which the first never comes."""
    folder = write_numbered_pictures(tmp_path / "hanging", 3)
    (folder / "frame000001.jpg").unlink()
    os.mkfifo(folder / "frame000001.jpg")
    return str(folder)


def read_in_time(path: str, seconds: float) -> str:
    """Why the video cannot be read; nothing if it can be."""
    try:
        with time_limit(seconds, path), open_video(path) as video:
            video.frames(range(video.num_frames))
    except VideoError as error:
        return error.reason
    return ""


def test_a_picture_that_never_comes(hanging: str) -> None:
    assert read_in_time(hanging, 0.1) == "reading it took longer than 0.1 s"


def test_decoding_that_takes_too_long(tmp_path: Path) -> None:
    video = str(write_numbered_video(tmp_path / "long.mp4", 10_000, b_frames=0))
    assert "longer than 0.002 s" in read_in_time(video, 0.002)
    assert read_in_time(video, 60) == ""


class Hanging(Dataset[str]):
    def __init__(self, path: str) -> None:
        self.path = path

    def __len__(self) -> int:
        return 2

    def __getitem__(self, row: int) -> str:
        return read_in_time(self.path, 0.1)


def test_in_the_worker_processes_of_a_data_loader(hanging: str) -> None:
    loader = DataLoader(Hanging(hanging), num_workers=2, batch_size=None, multiprocessing_context="fork")
    assert list(loader) == ["reading it took longer than 0.1 s"] * 2


def test_nothing_happens_in_time(hanging: str) -> None:
    for seconds in (0.0, 30.0):
        with time_limit(seconds, hanging):
            pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.fixture
def alarms() -> Iterator[list[int]]:
    """The alarms that went off, by number."""
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: rung.append(number))
    yield rung
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_the_handler_and_timer_of_others_go_on(hanging: str, alarms: list[int]) -> None:
    handler = signal.getsignal(signal.SIGALRM)
    signal.setitimer(signal.ITIMER_REAL, 50)
    assert read_in_time(hanging, 0.05) != ""
    assert signal.getsignal(signal.SIGALRM) is handler
    left, interval = signal.getitimer(signal.ITIMER_REAL)
    assert 0 < left < 50
    assert interval == 0


def test_an_alarm_of_others_that_was_due_meanwhile(hanging: str, alarms: list[int]) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    assert read_in_time(hanging, 0.1) != ""
    deadline = time.monotonic() + 10
    while not alarms and time.monotonic() < deadline:
        pass
    assert alarms == [signal.SIGALRM]


def test_limits_within_limits(hanging: str) -> None:
    def read_twice() -> None:
        with pytest.raises(VideoError, match=r"inner.* longer"), time_limit(0.02, "inner"):
            open_video(hanging).frames([0])
        open_video(hanging).frames([0])

    with pytest.raises(VideoError, match=r"outer.* longer"), time_limit(0.1, "outer"):
        read_twice()


def test_an_interruption_that_is_swallowed_is_not_the_last(hanging: str) -> None:
    def swallow_the_first() -> None:
        assert "longer" in read_in_time(hanging, seconds=0)
        open_video(hanging).frames([0])

    with pytest.raises(VideoError, match="longer"), time_limit(0.05, hanging):
        swallow_the_first()


def test_other_threads_are_not_limited(tmp_path: Path) -> None:
    video = str(write_numbered_video(tmp_path / "video.mp4", 4))
    reasons: list[str] = []
    thread = threading.Thread(target=lambda: reasons.append(read_in_time(video, 30)))
    thread.start()
    thread.join()
    assert reasons == [""]


@pytest.mark.parametrize("name", ["video.mp4", "video.avi", "frame000001.jpg"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    assert "pipe" in read_in_time(str(tmp_path / name), 30)
    assert "device" in read_in_time("/dev/zero", 30)
