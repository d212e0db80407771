"""The report of a GPU, tried at a tiny size without one, and without what GPU machines may lack."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from projects.benchmarks.gpu_report import CHECKS, ON_GPU_ALONE, PARTS, Report

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
# What comes with this package, but maybe not with the Python of a machine that is only lent.
NOT_NEEDED = ("av", "decord", "faiss", "fvcore", "iopath", "pytorchvideo", "submitit", "yacs")


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({[*NOT_NEEDED]}))\n"  # importing one of them is an ImportError
        "from projects.benchmarks.gpu_report import main\n"
        f"sys.argv = ['gpu_report', '--try-on-cpu', '--output', {str(folder)!r}]\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("*.json")
    return file


def test_every_part_is_there_and_what_is_left_out_is_named(report) -> None:
    results = json.loads(report.read_text())
    assert set(results) == {*PARTS, "skipped"}
    assert all(name.startswith(ON_GPU_ALONE) for name in results["skipped"])
    run = {name: check for name, check in results["checks"].items() if name not in results["skipped"]}
    assert len(run) == len(CHECKS) - 2
    assert all(check["passed"] for check in run.values())


def test_the_tables_tell_of_them(report) -> None:
    text = report.with_suffix(".md").read_text()
    assert "times the reference" in text
    assert "not on the CPU" in text
    assert "FAILED" not in text


def test_a_part_that_fails_is_named_and_the_others_go_on(tmp_path) -> None:
    def broken(report: Report) -> None:
        raise RuntimeError("out of memory\nand more")

    report = Report("cpu", minutes=1, file=tmp_path / "report.json")
    report.add("broken", broken)
    report.add("whole", lambda report: 1)
    late = Report("cpu", minutes=0, file=tmp_path / "late.json")
    late.add("whole", lambda report: 1)
    assert json.loads((tmp_path / "report.json").read_text()) == {
        "skipped": {"broken": "RuntimeError: out of memory"},
        "whole": 1,
    }
    assert late.results == {"skipped": {"whole": "the time was up"}}
