"""Looking at runs: what is known of each at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iic_ptv.launch.job_state import JobState, Phase
from iic_ptv.launch.last_words import last_line
from iic_ptv.launch.launched_runs import LaunchedRun
from iic_ptv.launch.local_jobs import ask_this_machine
from iic_ptv.launch.record import log_of
from iic_ptv.launch.run_state import LOST, RunState, run_state
from iic_ptv.launch.slurm_queue import ask_slurm
from iic_ptv.runs.status import FINISHED, Status, read_status

SLURM = "slurm"
ENDED = JobState(Phase.GONE)  # of finished runs, which nobody needs to ask for


@dataclass(frozen=True)
class Sight:
    """A run as it is seen at a moment.

    Attributes:
        run: the run.
        job: what the cluster says of its job.
        status: what it said of itself last.
        state: how it is, from both.
        words: the last line that its first process has printed; of a lost run, on the error stream.
    """

    run: LaunchedRun
    job: JobState
    status: Status | None
    state: RunState
    words: str


def look_at(runs: Sequence[LaunchedRun]) -> list[Sight]:
    """See how runs are; the cluster is asked once for all."""
    on_slurm = ask_slurm({run.record.job_id for run in runs if run.record.cluster == SLURM and not _is_finished(run)})
    elsewhere = ask_this_machine([run for run in runs if run.record.cluster != SLURM])
    return [_look(run, elsewhere.get(run.folder) or on_slurm.get(run.record.job_id, ENDED)) for run in runs]


def look_again(sights: Sequence[Sight]) -> list[Sight]:
    """See how those are by now that were not over."""
    again = iter(look_at([sight.run for sight in sights if not sight.state.is_over]))
    return [sight if sight.state.is_over else next(again) for sight in sights]


def _is_finished(run: LaunchedRun) -> bool:
    status = read_status(run.folder)
    return status is not None and status.state == FINISHED


def _look(run: LaunchedRun, job: JobState) -> Sight:
    status = read_status(run.folder)
    state = run_state(job, status)
    words = last_line(log_of(run.folder, run.record))
    if state.name == LOST:
        words = last_line(log_of(run.folder, run.record, stream="err")) or words
    return Sight(run, job, status, state, words)
