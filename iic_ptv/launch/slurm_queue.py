"""Jobs in the queue of SLURM: looked up, and cancelled."""

from __future__ import annotations

import subprocess
from collections.abc import Collection

from iic_ptv.errors import InputError
from iic_ptv.launch.job_state import JobState, Phase

PATIENCE = 60  # seconds
UNKNOWN_JOB = "Invalid job id"  # what squeue says if it is asked for a single job and does not know it
WAITING = ("PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT")
RUNNING = ("RUNNING", "CONFIGURING", "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "SUSPENDED")
ENDING = "COMPLETING"


class NoAnswer(Exception):
    """A command of SLURM failed; the message says why."""


def ask_slurm(job_ids: Collection[str]) -> dict[str, JobState]:
    """What SLURM says of jobs, in a single question; those that have left its queue are looked up in its accounting.

    Args:
        job_ids: the jobs, those of arrays as ``12_3``.
    """
    if not job_ids:
        return {}
    try:
        states = _ask_queue(job_ids)
    except NoAnswer as error:
        return dict.fromkeys(job_ids, JobState(Phase.SILENT, f"SLURM does not answer here: {error}"))
    if unknown := [job_id for job_id in job_ids if job_id not in states]:
        states |= _ask_accounting(unknown)
    gone = JobState(Phase.GONE, "SLURM does not know its job any more")
    return {job_id: states.get(job_id, gone) for job_id in job_ids}


def read_states(lines: str) -> dict[str, JobState]:
    """Lines of ``ID|STATE|NODES|REASON``, or without the reason, as states by job."""
    rows = [[*line.split("|", 3), ""] for line in lines.splitlines()]
    return {job_id: _state(state, nodes, reason) for job_id, state, nodes, reason, *_ in rows}


def cancel_on_slurm(job_ids: Collection[str]) -> None:
    """Take jobs out of the queue; running ones get SIGTERM, and SIGKILL later if they are still there.

    Raises:
        InputError: SLURM refuses it.
    """
    try:
        run_slurm("scancel", *job_ids)
    except NoAnswer as error:
        raise InputError(f"scancel {' '.join(job_ids)}: {error}") from error


def _state(state: str, nodes: str, reason: str) -> JobState:
    if state in WAITING:
        return JobState(Phase.WAITING, "" if reason == "None" else reason)
    if state in RUNNING:
        return JobState(Phase.RUNNING, nodes=nodes)
    if state == ENDING:
        return JobState(Phase.ENDING, nodes=nodes)
    ended = state.split()[0]  # the accounting adds who cancelled a job
    return JobState(Phase.OVER, ended.lower().replace("_", " "), nodes)


def _ask_queue(job_ids: Collection[str]) -> dict[str, JobState]:
    options = ("--array", "--states=all", "--noheader", "--format=%i|%T|%N|%r")
    try:
        return read_states(run_slurm("squeue", *options, f"--jobs={','.join(job_ids)}"))
    except NoAnswer as error:
        if UNKNOWN_JOB in str(error):
            return {}
        raise


def _ask_accounting(job_ids: Collection[str]) -> dict[str, JobState]:
    """Nothing, where there is no accounting."""
    options = ("--allocations", "--noheader", "--parsable2", "--format=JobID,State,NodeList")
    try:
        return read_states(run_slurm("sacct", *options, f"--jobs={','.join(job_ids)}"))
    except NoAnswer:
        return {}


def run_slurm(*command: str, patience: float = PATIENCE) -> str:
    """What a command of SLURM prints.

    Raises:
        NoAnswer: there is no such command here, it fails, or takes more than ``patience`` seconds.
    """
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=patience)
    except FileNotFoundError as error:
        raise NoAnswer(f"there is no {command[0]} on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise NoAnswer(f"{command[0]} takes more than {patience:g} s") from error
    if answer.returncode:
        raise NoAnswer(" ".join(answer.stderr.split()) or f"{command[0]} fails without a word")
    return answer.stdout
