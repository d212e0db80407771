"""Tests of the SLURM cluster on one machine: it has two nodes, and requeued jobs soon run again."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("slurm")

REQUEUES_ITSELF = """#!/bin/bash
echo "run ${SLURM_RESTART_COUNT:-0}"
if [ -z "$SLURM_RESTART_COUNT" ]; then
  scontrol requeue "$SLURM_JOB_ID"
  sleep 300
fi
"""


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def test_a_job_runs_on_both_nodes() -> None:
    nodes = output("srun", "--nodes=2", "--ntasks-per-node=1", "printenv", "SLURMD_NODENAME")
    assert sorted(nodes.split()) == ["n1", "n2"]


def test_a_requeued_job_runs_a_second_time(tmp_path: Path) -> None:
    script = tmp_path / "job.sh"
    script.write_text(REQUEUES_ITSELF)
    log = tmp_path / "log"
    output("sbatch", "--wait", "--requeue", "--open-mode=append", f"--output={log}", str(script))
    said = [line for line in log.read_text().splitlines() if line.startswith("run ")]
    assert said == ["run 0", "run 1"]


def test_starting_it_again_is_harmless(slurm: Path) -> None:
    assert "running already" in output(str(slurm), "start")
