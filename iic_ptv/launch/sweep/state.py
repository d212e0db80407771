"""How the members of a sweep are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from iic_ptv.launch.job_state import JobState, Phase
from iic_ptv.launch.launched_runs import LaunchedRun
from iic_ptv.launch.record import read_record
from iic_ptv.launch.run_state import ENDING, LOST, RunState, run_state
from iic_ptv.launch.watch import Sight, look_at
from iic_ptv.runs.status import FINISHED, read_status

NEW = RunState("new")  # it was never submitted
DONE = RunState(FINISHED)
INCOMPLETE = RunState(LOST, "some of its results are not there")


def states_of(members: Mapping[Path, bool], cluster_is_asked: bool) -> dict[Path, RunState]:
    """How members are, by their folders.

    Args:
        members: of each folder, whether all results of the member are there.
        cluster_is_asked: whether to ask for their jobs; else what they said themselves is believed.

    Raises:
        InputError: the record of a job is damaged.
    """
    left = [folder for folder, is_done in members.items() if not is_done]
    launched = [LaunchedRun(folder, record) for folder in left if (record := read_record(folder))]
    known = _asked(launched) if cluster_is_asked else _believed(launched, JobState(Phase.SILENT))
    known = {folder: INCOMPLETE if state.name == FINISHED else state for folder, state in known.items()}
    return {folder: DONE if is_done else known.get(folder, NEW) for folder, is_done in members.items()}


def _asked(launched: Sequence[LaunchedRun]) -> dict[Path, RunState]:
    # While another `iic sweep` runs members in its own process, none gets here.
    here = [run for run in launched if run.record.cluster == "debug"]
    sights = look_at([run for run in launched if run not in here])
    return {sight.run.folder: _state(sight) for sight in sights} | _believed(here, JobState(Phase.GONE))


def _state(sight: Sight) -> RunState:
    """That of any run; one that has failed may be about to be tried again, as long as its process is there."""
    is_there = sight.job.phase is Phase.ALIVE and sight.state.is_over
    return RunState(ENDING, sight.state.why) if is_there else sight.state


def _believed(launched: Sequence[LaunchedRun], job: JobState) -> dict[Path, RunState]:
    return {run.folder: run_state(job, read_status(run.folder)) for run in launched}


def is_to_submit(state: RunState) -> bool:
    """Whether a member has something left to do, and no job."""
    return state == NEW or (state.is_over and state.name != FINISHED)
