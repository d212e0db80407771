"""The processes that work together: which of them this is, and what all of them know; with one process, its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from iic_ptv.processes import launched_processes

Known = TypeVar("Known")
PATIENCE = timedelta(days=7)  # that the others have with the slowest; of one that died they hear at once


@contextmanager
def process_group() -> Iterator[None]:
    """Let processes that were started together talk to each other inside, over the network; one alone has no need to.

    Training does without: Lightning has a group of its own.
    """
    if not join_processes():
        yield
        return
    try:
        yield
    finally:
        dist.destroy_process_group()
        _patient_group.cache_clear()


def join_processes() -> bool:
    """Let processes that were started together talk to each other from now on, of what is on the CPU.

    A training that follows goes on in this group, which is the kind that Lightning makes on CPUs; not so on GPUs.

    Returns:
        Whether they did not before; False for a process alone, too.
    """
    launched = launched_processes()
    if launched is None or launched.world_size == 1 or dist.is_initialized():
        return False
    dist.init_process_group("gloo")
    return True


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


def gather_with_gradient(tensor: Tensor, dim: int) -> Tensor:
    """As :func:`gather`; in the backward pass, which all must make, each gets the sum of all gradients for its part."""
    if world_size() == 1:
        return tensor
    gathered: Tensor = _Gather.apply(tensor, dim)
    return gathered


class _Gather(torch.autograd.Function):
    """As :func:`gather_with_gradient`, of several processes."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, dim: int) -> Tensor:
        ctx.dim = dim
        return gather(tensor, dim)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        total = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total.chunk(world_size(), dim=ctx.dim)[rank()], None


def told_to_all(known: Known) -> list[Known]:
    """What each of the processes knows, in the order of their ranks; anything small that can be pickled."""
    if world_size() == 1:
        return [known]
    told: list[Any] = [None] * world_size()
    dist.all_gather_object(told, known, group=patient_group())
    return told


def told_by_first(known: Known) -> Known:
    """What the first of the processes knows; anything that can be pickled."""
    if world_size() == 1:
        return known
    told = [known]
    dist.broadcast_object_list(told, src=0, group=patient_group())
    return told[0]


def take_from_first(tensors: Iterable[Tensor]) -> None:
    """Overwrite tensors, wherever they are, with those of the first process, such as statistics that only it saves."""
    if world_size() == 1:
        return
    for tensor in tensors:
        on_cpu = tensor.cpu().contiguous()
        dist.broadcast(on_cpu, src=0, group=patient_group())
        tensor.copy_(on_cpu)


def patient_group() -> dist.ProcessGroup:
    """All processes, talking over the network of what is on the CPU, and waiting for each other as long as it takes.

    The group of a training may know of GPUs alone, and gives up after minutes. All ask for it the first time at once.
    """
    return _patient_group(dist.group.WORLD)


@cache
def _patient_group(processes: dist.ProcessGroup) -> dist.ProcessGroup:
    group: Any = dist.new_group(backend="gloo", timeout=PATIENCE)  # it could be none, but all belong to it
    return group
