"""What ``iic jobs cancel`` does."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from iic_ptv.errors import InputError
from iic_ptv.launch.job import CHECKPOINTS, RESUMABLE
from iic_ptv.launch.job_state import Phase
from iic_ptv.launch.jobs import follow
from iic_ptv.launch.launched_runs import find_runs, runs_of
from iic_ptv.launch.local_jobs import end_on_this_machine
from iic_ptv.launch.record import LOGS
from iic_ptv.launch.run_state import PENDING, STARTING
from iic_ptv.launch.slurm_queue import cancel_on_slurm
from iic_ptv.launch.watch import SLURM, Sight, look_again, look_at
from iic_ptv.runs.status import REQUEUED, STOPPED, tell_status
from iic_ptv.runs.terminal import say

SPEECHLESS = (PENDING, REQUEUED, STARTING)  # runs that may end before they can say that they were cancelled


def cancel_command(names: Sequence[str], is_followed: bool = False) -> None:
    """Let the jobs of runs end: those that run do so after their step, and leave a checkpoint.

    Args:
        names: run folders, or folders of runs.
        is_followed: show them until they have ended.

    Raises:
        InputError: no name is given, one is none of a launched run, or a job is out of reach.
    """
    if not names:
        raise InputError("iic jobs cancel: name the runs to cancel, by their folders or by one that contains them.")
    sights = look_at(runs_of(names))
    going = [sight for sight in sights if not sight.state.is_over]
    _check_reach(going)
    for sight in sights:
        if sight.state.is_over:
            say(f"{sight.run.folder}: is over already ({sight.state.name})")
    _end(going)
    _say_cancelled(going)
    if is_followed and going:
        follow(look_again(going))


def _check_reach(going: Sequence[Sight]) -> None:
    """Make sure that the jobs can be ended from here, and that no other run ends with them.

    Raises:
        InputError: they cannot.
    """
    for sight in going:
        if sight.job.phase is Phase.SILENT:
            why = sight.job.reason or f"it runs in the process that has launched it ({sight.run.record.cluster})"
            raise InputError(f"{sight.run.folder}: its job cannot be cancelled from here: {why}.")
    chosen = {sight.run.folder.resolve() for sight in going}
    queues = {sight.run.record.job_id for sight in going if sight.job.phase is Phase.ALIVE}
    for sweep in {sight.run.folder.parent for sight in going if sight.run.record.logs != LOGS}:
        for run in find_runs(sweep):
            if run.record.job_id in queues and run.folder.resolve() not in chosen:
                raise InputError(
                    f"{run.folder}: it waits in the same process of this machine as others that are to be cancelled, "
                    f"and would end with them; cancel all with: iic jobs cancel {shlex.quote(str(sweep))}"
                )


def _end(going: Sequence[Sight]) -> None:
    for sight in going:
        if sight.state.name in SPEECHLESS:
            tell_status(sight.run.folder, state=STOPPED, message="cancelled")
    if on_slurm := {sight.run.record.job_id for sight in going if sight.run.record.cluster == SLURM}:
        cancel_on_slurm(on_slurm)
    end_on_this_machine([sight.run for sight in going if sight.run.record.cluster != SLURM])


def _say_cancelled(going: Sequence[Sight]) -> None:
    """Say what becomes of runs, and how to go on with them: of many, such as those of a sweep, alike ones once."""
    alike: dict[str, list[Sight]] = {}
    for sight in going:
        alike.setdefault(_next_command(sight), []).append(sight)
    for command, sights in alike.items():
        for sight in sights:
            say(f"{sight.run.folder}: {_what_becomes_of(sight)}")
        say(f"  go on with: {command}")


def _what_becomes_of(sight: Sight) -> str:
    if sight.job.phase is Phase.WAITING or sight.state.name == PENDING:
        return "is out of the queue"
    return "ends after its step, and leaves a checkpoint" if _command(sight)[0] in RESUMABLE else "is told to end"


def _next_command(sight: Sight) -> str:
    folder, command = sight.run.folder, _command(sight)
    has_begun = any((folder / name).is_file() for name in CHECKPOINTS) or (sight.status and sight.status.step)
    if sight.run.record.logs != LOGS:
        return "iic sweep, with the same file"
    if command[0] in RESUMABLE and has_begun:
        return f"iic launch {command[0]} --resume {shlex.quote(str(folder))}"
    return f"iic launch {shlex.join(command)}"


def _command(sight: Sight) -> list[str]:
    """What the run was launched with, without ``iic``."""
    return shlex.split(sight.run.record.command)[1:]
