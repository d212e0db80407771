"""What a cluster says of a job."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Phase(Enum):
    """How far a job is by the cluster's books."""

    WAITING = "it is in the queue, for the first time or again"
    RUNNING = "it has its nodes"
    ENDING = "its processes are being ended"
    OVER = "it has ended"
    GONE = "it is not known, as one that ended long ago"
    ALIVE = "its process is there, on this machine, where nothing else is known of jobs"
    SILENT = "the cluster does not answer"


@dataclass(frozen=True)
class JobState:
    """What a cluster says of a job.

    Attributes:
        phase: how far it is.
        reason: why it waits, how it ended, or why nothing is known.
        nodes: those that it has or had, as SLURM writes them.
    """

    phase: Phase
    reason: str = ""
    nodes: str = ""
