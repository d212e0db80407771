"""Processes that work together, on the CPU."""

from __future__ import annotations

import multiprocessing
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

SLOW_TO_IMPORT = ["torch._dynamo", "lightning.pytorch"]  # DDP imports the first when it is first used


def run_together(work: Callable[..., Any], world_size: int, folder: Path, *arguments: Any) -> list[Any]:
    """What ``work(rank, *arguments)`` returns in each of several processes that can talk to each other.

    Args:
        work: a function of a module that can be imported.
        world_size: how many processes.
        folder: where they find each other, and leave what they return.
        arguments: for all of them.
    """
    multiprocessing.set_forkserver_preload(SLOW_TO_IMPORT)  # they are forks of a process that has done so
    folder = folder / uuid.uuid4().hex
    folder.mkdir()
    mp.start_processes(_work, (work, world_size, folder, arguments), world_size, start_method="forkserver")
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(world_size)]


def _work(rank: int, work: Callable[..., Any], world_size: int, folder: Path, arguments: tuple[Any, ...]) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=world_size)
    torch.save(work(rank, *arguments), folder / f"{rank}.pt")
    dist.barrier()  # or the others' sockets to this one break
    dist.destroy_process_group()
