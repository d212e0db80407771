"""What ``iic sweep`` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from iic_ptv.errors import InputError
from iic_ptv.launch.executor import cluster_of
from iic_ptv.launch.request import JobRequest
from iic_ptv.launch.run_state import RunState
from iic_ptv.launch.sweep.file import read_sweep
from iic_ptv.launch.sweep.member import Member
from iic_ptv.launch.sweep.planning import output_of, plan_members
from iic_ptv.launch.sweep.record import LOCK, write_sweep_record
from iic_ptv.launch.sweep.state import is_to_submit, states_of
from iic_ptv.launch.sweep.submit import checked_script, request_of, run_here, submit_members
from iic_ptv.launch.sweep.table import CSV, MARKDOWN, PAGE, update_table
from iic_ptv.launch.sweep.terminal import say_tables
from iic_ptv.runs.terminal import counted, say


def sweep_command(
    path: str, preset: str | None, options: Mapping[str, Any], dry_run: bool = False, only_table: bool = False
) -> None:
    """Submit all members that have something left to do and no job, and say what has come of the others.

    Args:
        path: the sweep file.
        preset: of the job, in place of that of the file.
        options: of the job, on top of those of the file.
        dry_run: only say what would be submitted.
        only_table: only collect the results.

    Raises:
        InputError: something in the file or the options cannot be used, or the cluster refuses the jobs.
    """
    file = read_sweep(Path(path))
    folder = Path(output_of(file)) / "sweep" / file.path.stem
    if only_table:
        if not folder.is_dir():
            raise InputError(f"{path}: nothing of this sweep has been submitted yet; there is no folder {folder}.")
        write_sweep_record(folder, file)
        _say_results(folder)
        return
    members, request = plan_members(file, folder.absolute()), request_of(file, preset, options)
    if dry_run:
        _show(folder, members, request)
        return
    checked_script(folder, request, len(members))
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / LOCK):  # two of these at once would submit everything twice
        write_sweep_record(folder, file)
        states = _states(members)
        waiting = [member for member in members if is_to_submit(states[member.folder])]
        jobs = submit_members(folder.absolute(), file, waiting, request) if waiting else []
        if cluster_of(request) == "debug":
            run_here(jobs)
        elif jobs:
            _say_submitted(jobs, request)
    _say_results(folder)
    if unfinished := [member for member in members if not member.is_done]:
        say(f"{counted(len(unfinished), 'member')} to go; watch or cancel them with:")
        say(f"  iic jobs {folder} --follow")
        say(f"  iic jobs cancel {folder}")
        say(f"what failed, was lost or stopped goes on with the same command: iic sweep {path}")


def _states(members: Sequence[Member]) -> dict[Path, RunState]:
    return states_of({member.folder: member.is_done for member in members}, cluster_is_asked=True)


def _say_submitted(jobs: Sequence[Any], request: JobRequest) -> None:
    at_once = request.array_parallelism
    if cluster_of(request) == "local":
        say(f"{counted(len(jobs), 'member')} submitted to this machine, {at_once or 1} at once (job {jobs[0].job_id})")
        return
    if len(jobs) == 1:
        say(f"1 member submitted as job {jobs[0].job_id}")
        return
    limit = f", at most {at_once} at once" if at_once else ""
    say(f"{counted(len(jobs), 'member')} submitted as job array {jobs[0].job_id.split('_')[0]}{limit}")


def _say_results(folder: Path) -> None:
    """Bring the table up to date, and print it."""
    say_tables(update_table(folder, cluster_is_asked=True))
    say(f"table: {folder / PAGE}, {MARKDOWN}, {CSV}")


def _show(folder: Path, members: Sequence[Member], request: JobRequest) -> None:
    """Say what would be submitted."""
    states = _states(members)
    for member in members:
        does = "would be submitted" if is_to_submit(states[member.folder]) else "is left alone"
        say(f"{member.name}: {states[member.folder].name}, {does}")
    if count := sum(map(is_to_submit, states.values())):
        say(checked_script(folder, request, count))
