"""Rows for all videos, also for those that take their process with them."""

import os
import signal
from pathlib import Path

import pytest

from iic_ptv.data.decoding import VideoError
from iic_ptv.data.preparation.manifest import Manifest, ManifestRow, read_manifest
from iic_ptv.data.preparation.rows import Job, make_rows, reason_of
from iic_ptv.errors import InputError


def read_or_die(job: Job) -> ManifestRow:
    if job.path == "b.mp4":
        os.kill(os.getpid(), signal.SIGSEGV)
    return ManifestRow.of_unread(job.source, job.path)._replace(num_frames=7)


def test_a_video_that_kills_its_process_has_a_row_that_says_so(tmp_path) -> None:
    jobs = []
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        Path(tmp_path / name).write_text(name * 3)
        jobs.append(Job(str(tmp_path / name), name))
    manifest = Manifest({"old.mp4": ManifestRow("old.mp4", 1, 1)})
    make_rows(read_or_die, jobs, manifest, tmp_path / "manifest.csv", 2, 0.0, "Reading")
    rows = read_manifest(tmp_path / "manifest.csv").rows
    assert rows == manifest.rows
    assert {path: (row.num_frames, row.size) for path, row in rows.items()} == {
        "a.mp4": (7, 15),
        "b.mp4": (0, 15),
        "c.mp4": (7, 15),
        "old.mp4": (0, 1),
    }
    assert "Segmentation fault" in rows["b.mp4"].error


def test_reasons() -> None:
    assert reason_of(VideoError("it is damaged", "a.mp4")) == "it is damaged"
    assert reason_of(MemoryError("too large")) == "MemoryError: too large"
    with pytest.raises(InputError, match="no such decoder"):
        reason_of(InputError("no such decoder"))
