"""The record of bad videos."""

import logging
import multiprocessing
from pathlib import Path

import pytest

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.errors import InputError


def record_many(log: BadVideoLog, worker: int) -> None:
    for video in range(50):
        log.record(f"/videos/{video}.mp4", "it is empty")
        log.record(f"/videos/of worker {worker}, {video}.mp4", 'a "quoted", divided\nreason')


def test_several_processes_write_one_file(tmp_path: Path) -> None:
    log = BadVideoLog(tmp_path / "logs" / "bad_videos.csv")
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=record_many, args=(log, worker)) for worker in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    reasons = log.read()
    assert len(reasons) == 50 + 4 * 50
    assert reasons["/videos/7.mp4"] == "it is empty"
    assert reasons["/videos/of worker 3, 49.mp4"] == 'a "quoted", divided\nreason'


def test_file_is_a_table_that_a_later_run_goes_on_with(tmp_path: Path) -> None:
    path = tmp_path / "bad_videos.csv"
    BadVideoLog(path).record("a.mp4", "it is empty")
    later = BadVideoLog(path)
    later.record("b.mp4", "it has no video stream")
    later.record("a.mp4", "still empty")
    assert path.read_text().splitlines() == ["path,reason", "a.mp4,it is empty", "b.mp4,it has no video stream"]
    assert BadVideoLog(path).read() == {"a.mp4": "it is empty", "b.mp4": "it has no video stream"}


def test_any_name_comes_back_as_it_was(tmp_path: Path) -> None:
    reasons = dict.fromkeys(("a,b.mp4", "a\nb.mp4", "a\rb.mp4", "\udcff.mp4", "ü😀.mp4"), "it is empty")
    BadVideoLog(tmp_path / "bad_videos.csv").add(reasons)
    assert BadVideoLog(tmp_path / "bad_videos.csv").read() == reasons


def test_no_bad_videos_no_file(tmp_path: Path) -> None:
    log = BadVideoLog(tmp_path / "bad_videos.csv", num_videos=12)
    assert log.read() == {}
    assert log.summary() == "All videos that were asked for could be read."
    assert not log.path.exists()


def test_without_a_file_a_process_knows_its_own() -> None:
    log = BadVideoLog(num_videos=3)
    log.record("/videos/a.mp4", "it is empty")
    assert log.read() == {"/videos/a.mp4": "it is empty"}
    assert log.summary() == "1 of 3 videos could not be read: a.mp4"


def test_summary_names_some(tmp_path: Path) -> None:
    log = BadVideoLog(tmp_path / "bad.csv", num_videos=480)
    for name in "abcd":
        log.record(f"/videos/{name}.mp4", "it is empty")
    expected = f"4 of 480 videos could not be read (see {tmp_path / 'bad.csv'}): a.mp4, b.mp4, c.mp4, ..."
    assert log.summary() == expected


def test_each_bad_video_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for log in (BadVideoLog(tmp_path / "bad.csv"), BadVideoLog(tmp_path / "bad.csv")):  # of two processes
            for _ in range(3):
                log.record("/videos/a.mp4", "it is empty")
    assert (
        [record.getMessage() for record in caplog.records].count(
            "A video could not be read and is left out: /videos/a.mp4: it is empty"
        )
        == len(caplog.records)
        == 1
    )


def test_many_are_added_without_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = BadVideoLog(tmp_path / "left_out.csv")
    log.add({})
    assert not log.path.exists()
    log.add({"a.mp4": "it is empty", "b.mp4": "it has no video stream"})
    assert BadVideoLog(log.path).read() == {"a.mp4": "it is empty", "b.mp4": "it has no video stream"}
    assert not caplog.records


@pytest.mark.parametrize("file", ["bad.csv", None])
def test_more_than_the_share_that_may_be_bad_is_an_error(tmp_path: Path, file: str | None) -> None:
    log = BadVideoLog(file and tmp_path / file, num_videos=40, max_share=0.05)
    for name in ("a", "b"):
        log.record(f"{name}.mp4", "it is empty")
        log.check_share()
    log.record("c.mp4", "it is empty")
    with pytest.raises(InputError, match=r"3 of 40 videos could not be read.* a.mp4, b.mp4, c.mp4. That is 8% of them"):
        log.check_share()


def test_share_counts_what_other_processes_met(tmp_path: Path) -> None:
    log = BadVideoLog(tmp_path / "bad.csv", num_videos=10, max_share=0.1)
    log.check_share()
    BadVideoLog(log.path).add({"a.mp4": "it is empty"})
    log.check_share()
    BadVideoLog(log.path).add({"b.mp4": "it is empty"})
    with pytest.raises(InputError, match=r"DATA\.MAX_BAD_SHARE allows 10%"):
        log.check_share()


def test_without_a_number_of_videos_nothing_is_too_much() -> None:
    log = BadVideoLog(max_share=0.0)
    log.add({"a.mp4": "it is empty"})
    log.check_share()
