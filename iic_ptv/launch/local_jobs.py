"""Jobs on this machine: whether their processes are there, and ending them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iic_ptv.errors import InputError
from iic_ptv.launch.job_state import JobState, Phase
from iic_ptv.launch.launched_runs import LaunchedRun
from iic_ptv.runs.status import read_status

CONTROLLER = "submitit.local._local"  # what submitit starts: it starts the processes of a job, and hands signals on


@dataclass(frozen=True)
class Process:
    """A process of this machine: what started it, and its command line."""

    parent: int
    command: str


def ask_this_machine(runs: Sequence[LaunchedRun]) -> dict[Path, JobState]:
    """Whether the processes of jobs are there, by the folders of the runs."""
    processes = _processes() if runs else {}
    return {run.folder: _state(run, processes) for run in runs}


def end_on_this_machine(runs: Sequence[LaunchedRun]) -> None:
    """Let what is left of jobs end in good order, as with Ctrl-C."""
    processes = _processes()
    numbers = {int(run.record.job_id) for run in runs if _is_alive(run, processes)}
    for number in numbers:
        # With lines to run before, a job is a shell that waits for the controller.
        inside = [each for each, process in processes.items() if process.parent == number and _controls(process)]
        for each in inside or [number]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGTERM)


def _state(run: LaunchedRun, processes: dict[int, Process]) -> JobState:
    status = read_status(run.folder)
    if run.record.cluster != "local":
        return JobState(Phase.SILENT)
    if status is not None and status.host != socket.gethostname():
        return JobState(Phase.SILENT, f"its process is on {status.host}; look from there")
    if _is_alive(run, processes):
        return JobState(Phase.ALIVE)
    return JobState(Phase.GONE, "its process has ended")


def _is_alive(run: LaunchedRun, processes: dict[int, Process]) -> bool:
    """Whether it is the process of the job that has its number: of a dead one, another may have got it since."""
    process = processes.get(int(run.record.job_id))
    logs = os.path.abspath(run.folder / run.record.logs)
    return process is not None and _controls(process) and "/".join(logs.split(os.sep)[-2:]) in process.command


def _controls(process: Process) -> bool:
    return CONTROLLER in process.command


def _processes() -> dict[int, Process]:
    """All processes of this machine by their numbers; of dead ones that nobody has waited for, there is no command.

    Raises:
        InputError: they cannot be listed.
    """
    command = ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise InputError("there is no `ps` here to look for jobs of this machine; install procps.") from error
    rows = [[*line.split(maxsplit=2), ""] for line in listed.stdout.splitlines()]
    return {int(row[0]): Process(int(row[1]), row[2]) for row in rows}
