"""Sweeps in a folder of their own, whose jobs do not outlive the test."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iic_ptv.cli.main import main
from iic_ptv.launch.launched_runs import find_runs
from iic_ptv.launch.local_jobs import end_on_this_machine
from iic_ptv.launch.slurm_queue import cancel_on_slurm
from iic_ptv.launch.watch import look_at
from iic_ptv.registry import VIEWS

HERE = Path(__file__).parent


@pytest.fixture
def signals_as_before() -> Iterator[None]:
    """Give signals back to the tests, that a job in this process takes for itself."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def sweep(tmp_path, monkeypatch, capsys) -> Iterator[Callable[..., str]]:
    """Runs ``iic sweep mine.yaml`` with options, in ``tmp_path``; returns what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("IIC_TEST_FOLDER", str(tmp_path))
    monkeypatch.setattr("iic_ptv.runs.terminal.console._width", 200)

    def run(*options: str) -> str:
        capsys.readouterr()
        main(["sweep", "mine.yaml", *options])
        return capsys.readouterr().out

    yield run
    # The views of the plug-in are for these tests alone; others are parametrised over the registry.
    sys.modules.pop("troubled_views", None)
    for name in ("waiting", "breaking"):
        VIEWS._obj_map.pop(name, None)
    _end_jobs(tmp_path)


def _end_jobs(folder: Path) -> None:
    going = [sight for sight in look_at(list(find_runs(folder))) if not sight.state.is_over]
    if on_slurm := {sight.run.record.job_id for sight in going if sight.run.record.cluster == "slurm"}:
        cancel_on_slurm(on_slurm)
    end_on_this_machine([sight.run for sight in going if sight.run.record.cluster == "local"])
