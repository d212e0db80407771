"""How a run is, from what the cluster says of its job and what the run said of itself last."""

from __future__ import annotations

from dataclasses import dataclass

from iic_ptv.launch.job_state import JobState, Phase
from iic_ptv.runs.status import FAILED, FINISHED, QUEUED, REQUEUED, RUNNING, STOPPED, Status

# Beside the states that a run tells of itself.
PENDING, STARTING, ENDING, LOST, UNKNOWN = "pending", "starting", "ending", "lost", "unknown"
OVER = (FINISHED, FAILED, STOPPED, LOST)
TELL_NOTHING = ("completed", "failed", "cancelled")  # ends of a job that the run itself knows more about


@dataclass(frozen=True)
class RunState:
    """How a run is.

    Attributes:
        name: ``pending``, ``requeued`` (waiting again), ``starting``, ``running``, ``ending``, ``finished``,
            ``failed``, ``stopped``, ``lost`` (dead without a word) or ``unknown``.
        why: what it waits for, or why it ended.
    """

    name: str
    why: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be expected."""
        return self.name in OVER


def run_state(job: JobState, status: Status | None) -> RunState:
    """Combine what the cluster says with what the run said.

    The status must have been read after the cluster was asked: a job that was gone by then has said all it had to say.

    Args:
        job: what the cluster says.
        status: what the run said last; None: nothing.
    """
    said, message = (status.state, status.message) if status else (QUEUED, "")
    if said == FINISHED:
        return RunState(FINISHED)
    if job.phase is Phase.WAITING:
        return RunState(PENDING if said == QUEUED else REQUEUED, job.reason)
    if job.phase in (Phase.RUNNING, Phase.ENDING, Phase.ALIVE):
        return _while_there_are_processes(job, said, message)
    if job.phase is Phase.SILENT:
        name = PENDING if said == QUEUED else said
        return RunState(name if status else UNKNOWN, job.reason or message)
    return _after_the_end(job, said, message)


def _while_there_are_processes(job: JobState, said: str, message: str) -> RunState:
    if job.phase is Phase.ENDING or said in (FAILED, STOPPED):  # it may yet be requeued
        return RunState(ENDING, message)
    if job.phase is Phase.ALIVE:
        return RunState(PENDING if said == QUEUED else said, message)
    return RunState(RUNNING if said == RUNNING else STARTING)


def _after_the_end(job: JobState, said: str, message: str) -> RunState:
    if said in (FAILED, STOPPED):
        tells = job.phase is Phase.OVER and job.reason not in TELL_NOTHING
        return RunState(said, "; ".join(filter(None, (message, job.reason if tells else ""))))
    if job.reason == "completed":
        return RunState(FINISHED)
    if job.reason == "cancelled":
        return RunState(STOPPED, "cancelled")
    return RunState(LOST, job.reason)
