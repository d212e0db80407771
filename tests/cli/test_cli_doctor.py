"""``iic doctor`` as a user runs it, on this machine and on one with broken libraries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FINE, KNOWN, BROKEN, NOTE = "ok", "known", "broken", "note"


def doctor(stand_ins: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it with modules that stand in for installed ones."""
    command = [sys.executable, "-m", "iic_ptv", "doctor", *options]
    environment = {**os.environ, "PYTHONPATH": str(stand_ins), "COLUMNS": "200"}
    return subprocess.run(command, cwd=stand_ins, env=environment, capture_output=True, text=True)


def by_name(report: dict[str, list[dict[str, str]]], section: str) -> dict[str, dict[str, Any]]:
    return {finding["about"]: finding for finding in report[section]}


@pytest.mark.slow
def test_optional_libraries_that_are_broken_are_named_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "faiss.py").write_text("raise ImportError('libopenblas.so: cannot open shared object file')")
    (tmp_path / "torchcodec.py").write_text(
        "raise RuntimeError('Could not load libtorchcodec. Likely causes:\\n FFmpeg')"
    )
    result = doctor(tmp_path, "--json")
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == ""
    report = json.loads(result.stdout)
    optional = by_name(report, "Optional packages")
    assert optional["[faiss]"]["state"] == optional["[torchcodec]"]["state"] == NOTE
    assert "libopenblas.so" in optional["[faiss]"]["told"]
    assert "Could not load libtorchcodec. Likely causes:" in optional["[torchcodec]"]["told"]
    decoders = by_name(report, "Decoders")
    assert decoders["pyav"]["state"] == decoders["frames"]["state"] == FINE
    assert decoders["torchcodec"]["state"] == NOTE
    assert all(finding["state"] == FINE for finding in report["Model zoo"])
    assert {finding["state"] for finding in report["Known faults of what is installed"]} <= {FINE, KNOWN}


@pytest.mark.slow
def test_a_torch_that_cannot_be_imported_is_the_first_thing_to_mend(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise OSError('libcudart.so.13: cannot open shared object file')")
    result = doctor(tmp_path)
    assert result.returncode == 1
    assert "Traceback" not in result.stdout + result.stderr
    assert "libcudart.so.13" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("The first thing to mend: torch: pip install --force-reinstall")


def test_without_what_it_is_printed_with_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "rich.py").write_text("")
    result = doctor(tmp_path)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "pip install iic-ptv" in result.stderr
