"""What ``iic sweep`` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from iic_ptv.errors import InputError
from iic_ptv.launch.executor import cluster_of
from iic_ptv.launch.request import JobRequest
from iic_ptv.launch.run_state import RunState
from iic_ptv.launch.sweep.estimate import Work, in_hours, speed_of, works_of
from iic_ptv.launch.sweep.file import SweepFile
from iic_ptv.launch.sweep.member import Member
from iic_ptv.launch.sweep.planning import output_of, plan_members
from iic_ptv.launch.sweep.record import LOCK, SWEEP, read_sweep_record, write_sweep_record
from iic_ptv.launch.sweep.state import is_to_submit, states_of
from iic_ptv.launch.sweep.submit import checked_script, request_of, run_here, submit_members
from iic_ptv.launch.sweep.table import CSV, MARKDOWN, PAGE, update_table
from iic_ptv.launch.sweep.terminal import say_tables
from iic_ptv.runs.terminal import counted, say


def sweep_command(
    file: SweepFile,
    preset: str | None,
    options: Mapping[str, Any],
    dry_run: bool = False,
    only_table: bool = False,
    clips_per_second: float | None = None,
) -> None:
    """Submit all members that have something left to do and no job, and say what has come of the others.

    Args:
        file: the sweep.
        preset: of the job, in place of that of the file.
        options: of the job, on top of those of the file.
        dry_run: only say what would be submitted, and how long it would take.
        only_table: only collect the results.
        clips_per_second: what to reckon with in a dry run.

    Raises:
        InputError: something in the file or the options cannot be used, or the cluster refuses the jobs.
    """
    sweeps = Path(output_of(file)) / "sweep"
    folder, home = sweeps / file.path.stem, sweeps / (file.folder or file.path.stem)
    if only_table:
        _only_table(folder, file)
        return
    members, request = plan_members(file, home.absolute()), request_of(file, preset, options)
    if dry_run:
        _show(folder, members, request, clips_per_second)
        return
    checked_script(folder, request, len(members))
    with ExitStack() as locks:  # two of these at once would submit everything twice
        for each in sorted({folder, home}):
            each.mkdir(parents=True, exist_ok=True)
            locks.enter_context(FileLock(each / LOCK))
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
        say(f"  iic jobs {home} --follow")
        say(f"  iic jobs cancel {home}")
        say(f"what failed, was lost or stopped goes on with the same command: {file.command}")


def _only_table(folder: Path, file: SweepFile) -> None:
    """Collect what there is: before anything is submitted, what others report, if there is that."""
    if not folder.is_dir() and not any(row.reported for row in file.rows.values()):
        raise InputError(f"{file.path}: nothing of this sweep has been submitted yet; there is no folder {folder}.")
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / SWEEP).is_file() and not file.given:  # what was submitted with is not forgotten by looking at it
        file = replace(file, given=read_sweep_record(folder).given)
    write_sweep_record(folder, file)
    _say_results(folder)


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


def _show(folder: Path, members: Sequence[Member], request: JobRequest, clips_per_second: float | None) -> None:
    """Say what would be submitted, and how long it would take."""
    states = _states(members)
    speed = speed_of(members, clips_per_second)
    hours, unknown = [], 0
    for member, work in zip(members, works_of(members), strict=True):
        state = states[member.folder]
        if not is_to_submit(state):
            say(f"{member.name}: {state.name}, is left alone")
            continue
        duration = "of how many videos is not known here"
        if work is None:
            unknown += 1
        else:
            hours.append(speed.hours(member, work))
            duration = f"{_clips(work)}, about {in_hours(hours[-1])}"
        say(f"{member.name}: {state.name}, would be submitted: {duration}")
    if hours:
        say(f"about {in_hours(sum(hours))} in all{_at_once(hours, request)}, at {speed}")
    if unknown:
        say("how long these take can be told where the videos are: name their folder with --data FOLDER")
    if count := len(hours) + unknown:
        say(checked_script(folder, request, count))


def _clips(work: Work) -> str:
    parts = [f"{work.trained:,} clips to train on"] if work.trained else []
    return ", ".join([*parts, *([f"{work.embedded:,} to embed"] if work.embedded else [])])


def _at_once(hours: Sequence[float], request: JobRequest) -> str:
    """How long it is from the first to the last, where it was said how many run at once."""
    at_once = request.array_parallelism or 1
    return f", {in_hours(max(sum(hours) / at_once, max(hours)))} with {at_once} at once" if at_once > 1 else ""
