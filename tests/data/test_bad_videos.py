"""The record of bad videos."""

import logging
import multiprocessing
from pathlib import Path

import pytest

from iic_ptv.data.bad_videos import BadVideoLog


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
    assert path.read_text().splitlines()[:3] == ["path,reason", "a.mp4,it is empty", "b.mp4,it has no video stream"]
    assert BadVideoLog(path).read() == {"a.mp4": "it is empty", "b.mp4": "it has no video stream"}


def test_no_bad_videos_no_file(tmp_path: Path) -> None:
    log = BadVideoLog(tmp_path / "bad_videos.csv")
    assert log.read() == {}
    assert log.summary(12) == "All of the 12 videos that were asked for could be read."
    assert not log.path.exists()


def test_without_a_file_a_process_knows_its_own() -> None:
    log = BadVideoLog()
    log.record("/videos/a.mp4", "it is empty")
    assert log.read() == {"/videos/a.mp4": "it is empty"}
    assert log.summary(3) == "1 of 3 videos could not be read: a.mp4"


def test_summary_names_some(tmp_path: Path) -> None:
    log = BadVideoLog(tmp_path / "bad.csv")
    for name in "abcd":
        log.record(f"/videos/{name}.mp4", "it is empty")
    expected = f"4 of 480 videos could not be read (see {tmp_path / 'bad.csv'}): a.mp4, b.mp4, c.mp4, ..."
    assert log.summary(480) == expected


def test_each_bad_video_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    log = BadVideoLog()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            log.record("/videos/a.mp4", "it is empty")
    assert (
        [record.getMessage() for record in caplog.records].count(
            "A video could not be read and is left out: /videos/a.mp4: it is empty"
        )
        == len(caplog.records)
        == 1
    )
