"""On a real SLURM: a sweep of which one member fails by design, and one is killed; the same command completes it."""

import json
import os
import signal
from pathlib import Path

import pytest
from launching import ON_SLURM, wait_until
from sweeping import GO_ON, STEPS, WAITING, are_over, contents, prepare, read_table, states

from iic_ptv.launch.record import read_record
from iic_ptv.runs.checkpoint import read_checkpoint

GRID = """
grid: {VIEWS: [[rgb, waiting], [rgb, flow_u], [rgb, residual], [rgb, rgb]]}
at_most: 2
"""
KILLED, FAILING, *OTHERS = "rgb+waiting", "rgb+flow_u", "rgb+residual", "rgb+rgb"


@pytest.mark.slow
def test_what_failed_and_was_killed_is_tried_again_and_the_rest_is_left_alone(slurm, sweep, tmp_path) -> None:
    folder = prepare(tmp_path, GRID)
    members = {name: folder / "members" / name for name in (KILLED, FAILING, *OTHERS)}
    printed = sweep(*ON_SLURM)
    assert "4 members submitted as job array" in printed
    assert "at most 2 at once" in printed

    wait_until((tmp_path / WAITING).exists, what="a member in the middle of its training")
    assert f"{KILLED}: running, is left alone" in sweep(*ON_SLURM, "--dry-run")
    wait_until(lambda: states(folder)[1:] == ["failed", "finished", "finished"], what="the end of the others")
    os.kill(int((tmp_path / WAITING).read_text()), signal.SIGKILL)
    wait_until(lambda: are_over(folder), what="the end of its job")
    assert "1 lost" in sweep("--table")

    rows = read_table(folder)
    assert [rows[name]["state"] for name in members] == ["lost", "failed", "finished", "finished"]
    assert "DATA.FLOW: the view flow_u needs optical flow" in rows[FAILING]["message"]
    for name in OTHERS:
        measured = json.loads((members[name] / "retrieve/metrics.json").read_text())
        overall = measured.get("joint") or measured["rgb"]
        assert float(rows[name]["retrieve.top1"]) == overall["top1"]
        assert float(rows[name]["loss"]) == json.loads((members[name] / "metrics.json").read_text())["train/loss"]
    before = {name: contents(members[name]) for name in OTHERS}
    assert all(before.values())
    assert read_checkpoint(members[KILLED]).step < STEPS
    first_jobs = {name: job_of(members[name]) for name in (KILLED, FAILING)}

    (tmp_path / GO_ON).touch()
    assert "2 members submitted as job array" in sweep(*ON_SLURM)
    wait_until(lambda: states(folder) == ["finished", "failed", "finished", "finished"], what="the end of all")
    assert {name: contents(members[name]) for name in OTHERS} == before
    assert read_checkpoint(members[KILLED]).step == STEPS
    assert f"$ iic pretrain --resume {members[KILLED]}" in log_of(folder, job_of(members[KILLED]))
    for name in (KILLED, FAILING):
        assert job_of(members[name]) != first_jobs[name]
    assert "DATA.FLOW: the view flow_u needs optical flow" in log_of(folder, job_of(members[FAILING]))
    assert read_table(folder)[KILLED]["retrieve.top1"]


def job_of(member: Path) -> str:
    record = read_record(member)
    assert record is not None
    return record.job_id


def log_of(folder: Path, job_id: str) -> str:
    return "".join((folder / "job" / f"{job_id}_0_log.{stream}").read_text() for stream in ("out", "err"))
