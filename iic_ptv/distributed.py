"""The processes that work together: which of them this is, and what all of them know; with one process, its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from iic_ptv.processes import launched_processes

Known = TypeVar("Known")


@contextmanager
def process_group() -> Iterator[None]:
    """Let processes that were started together talk to each other inside, over the network; one alone has no need to.

    Training does without: Lightning has a group of its own.
    """
    launched = launched_processes()
    if launched is None or launched.world_size == 1 or dist.is_initialized():
        yield
        return
    dist.init_process_group("gloo")  # features are on the CPU when they are exchanged
    try:
        yield
    finally:
        dist.destroy_process_group()


def world_size() -> int:
    """Number of processes that work together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which of them this is."""
    return dist.get_rank() if world_size() > 1 else 0


def gather(tensor: Tensor, dim: int) -> Tensor:
    """Concatenate the tensors of all processes along ``dim``, in the order of their ranks; all must be of one shape."""
    if world_size() == 1:
        return tensor
    parts = [torch.empty_like(tensor, memory_format=torch.contiguous_format) for _ in range(world_size())]
    dist.all_gather(parts, tensor.contiguous())
    return torch.cat(parts, dim=dim)


def told_to_all(known: Known) -> list[Known]:
    """What each of the processes knows, in the order of their ranks; anything small that can be pickled."""
    if world_size() == 1:
        return [known]
    told: list[Any] = [None] * world_size()
    dist.all_gather_object(told, known)
    return told
