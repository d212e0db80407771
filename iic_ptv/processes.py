"""The processes that this one was started together with, as it can be told before they talk to each other."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Processes:
    """Processes that something started together, as the environment variables of ``torchrun`` tell it.

    Attributes:
        rank: which of them this is.
        world_size: how many they are.
        local_rank: which of those of its machine this is.
        local_world_size: how many are on its machine.
    """

    rank: int
    world_size: int
    local_rank: int
    local_world_size: int

    @property
    def num_nodes(self) -> int:
        """How many machines they are on."""
        return self.world_size // self.local_world_size


def launched_processes() -> Processes | None:
    """The processes that this one was started together with; None if it was started alone."""
    try:
        return Processes(*(int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")))
    except KeyError:
        return None
