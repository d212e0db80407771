"""How a run is, by what its cluster and what it says itself."""

import pytest

from iic_ptv.launch.job_state import JobState, Phase
from iic_ptv.launch.run_state import RunState, run_state
from iic_ptv.runs.status import Status

WAITING = JobState(Phase.WAITING, "Resources")
RUNNING = JobState(Phase.RUNNING, nodes="n[1-2]")
ENDING = JobState(Phase.ENDING)
GONE = JobState(Phase.GONE, "not known")
ALIVE = JobState(Phase.ALIVE)
SILENT = JobState(Phase.SILENT, "no answer")


def over(how: str) -> JobState:
    return JobState(Phase.OVER, how)


@pytest.mark.parametrize(
    ("job", "said", "name", "why"),
    [
        # In the queue: for the first time, or again, after a pre-emption, the end of its time or the loss of a node.
        (WAITING, "queued", "pending", "Resources"),
        (WAITING, None, "pending", "Resources"),
        (WAITING, "requeued", "requeued", "Resources"),
        (WAITING, "running", "requeued", "Resources"),
        (WAITING, "stopped", "requeued", "Resources"),
        (WAITING, "finished", "finished", ""),
        # On its nodes.
        (RUNNING, "running", "running", ""),
        (RUNNING, "queued", "starting", ""),
        (RUNNING, "requeued", "starting", ""),
        (RUNNING, None, "starting", ""),
        (RUNNING, "failed", "ending", "a reason"),
        (RUNNING, "stopped", "ending", "a reason"),
        (RUNNING, "finished", "finished", ""),
        (ENDING, "running", "ending", "a reason"),
        (ENDING, "requeued", "ending", "a reason"),
        (ENDING, "stopped", "ending", "a reason"),
        (ENDING, "failed", "ending", "a reason"),
        # Out of the queue: what the run knows about its end, and what only the cluster does.
        (over("failed"), "failed", "failed", "a reason"),
        (over("cancelled"), "stopped", "stopped", "a reason"),
        (over("out of memory"), "failed", "failed", "a reason; out of memory"),
        (over("out of memory"), "running", "lost", "out of memory"),
        (over("node fail"), "queued", "lost", "node fail"),
        (over("failed"), "running", "lost", "failed"),
        (over("cancelled"), "queued", "stopped", "cancelled"),
        (over("cancelled"), "running", "stopped", "cancelled"),
        (over("completed"), "running", "finished", ""),
        (GONE, "finished", "finished", ""),
        (GONE, "failed", "failed", "a reason"),
        (GONE, "stopped", "stopped", "a reason"),
        (GONE, "running", "lost", "not known"),
        (GONE, "requeued", "lost", "not known"),
        (GONE, "queued", "lost", "not known"),
        (GONE, None, "lost", "not known"),
        # A process of this machine.
        (ALIVE, "queued", "pending", "a reason"),
        (ALIVE, "running", "running", "a reason"),
        (ALIVE, "requeued", "requeued", "a reason"),
        (ALIVE, "stopped", "ending", "a reason"),
        (ALIVE, "finished", "finished", ""),
        # What the run said is all that is known.
        (SILENT, "running", "running", "no answer"),
        (SILENT, "queued", "pending", "no answer"),
        (SILENT, "finished", "finished", ""),
        (SILENT, None, "unknown", "no answer"),
    ],
)
def test_what_the_cluster_and_the_run_say_together(job, said, name, why) -> None:
    status = None if said is None else Status(said, message="a reason")
    assert run_state(job, status) == RunState(name, why)


def test_only_what_cannot_change_any_more_is_over() -> None:
    over = ("finished", "failed", "stopped", "lost")
    others = ("pending", "requeued", "starting", "running", "ending", "unknown")
    assert [name for name in (*others, *over) if RunState(name).is_over] == list(over)
