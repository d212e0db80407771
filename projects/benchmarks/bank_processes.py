"""Processes with memory banks of either kind: what a step, a checkpoint and the memory of each of them cost."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from lightning.pytorch import Trainer
from lightning.pytorch.plugins.environments import LightningEnvironment
from torch import Tensor, nn

from iic_ptv.losses import InterIntraNCELoss
from iic_ptv.tasks.checkpoint_files import CheckpointFiles
from iic_ptv.tasks.iic import IICTask
from iic_ptv.tasks.shard_checkpoints import ShardCheckpoints
from projects.benchmarks.files import disk_use
from projects.benchmarks.timing import peak_mb, resident_mb, round_robin, timed_after

PROCESSES = 2
WARM_UP = 3  # steps


@dataclass(frozen=True)
class Sizes:
    """Of banks, and of what is contrasted with them in a step of one process."""

    videos: int
    feature_dim: int = 64
    batch: int = 16
    negatives: int = 1024
    num_banks: int = 3

    def loss(self, banks: str) -> InterIntraNCELoss:
        """The loss with banks of a kind, whose rows are there."""
        torch.manual_seed(0)
        kind: Any = banks
        loss = InterIntraNCELoss(self.videos, self.feature_dim, num_negatives=self.negatives, banks=kind)
        loss.bank.features  # noqa: B018 - sharded ones are drawn when they are first needed
        return loss


def in_processes(work: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What ``work(rank, *arguments)`` returns in new processes, which talk to each other through gloo."""
    multiprocessing.set_forkserver_preload([work.__module__])
    with TemporaryDirectory() as folder:
        mp.start_processes(_work, (work, folder, arguments), PROCESSES, start_method="forkserver")
        return [pickle.loads(Path(folder, str(rank)).read_bytes()) for rank in range(PROCESSES)]


def _work(rank: int, work: Callable[..., Any], folder: str, arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # not which devices it found
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=PROCESSES)
    Path(folder, str(rank)).write_bytes(pickle.dumps(work(rank, *arguments)))
    dist.barrier()
    dist.destroy_process_group()


def seconds_of_steps(rank: int, sizes: Sizes, kinds: Sequence[str], steps: int) -> dict[str, list[float]]:
    """Seconds of every step of the losses with these kinds of banks, which take turns."""
    torch.manual_seed(1 + rank)
    alternatives = {kind: timed_after(_together, partial(_step, sizes.loss(kind))) for kind in kinds}
    for batch in _batches(sizes, WARM_UP):
        round_robin(alternatives, [batch])
    return round_robin(alternatives, _batches(sizes, steps))


Batch = tuple[list[Tensor], Tensor, Tensor]


def _batches(sizes: Sizes, number: int) -> Iterator[Batch]:
    for _ in range(number):
        *views, negative = torch.randn(3, sizes.batch, sizes.feature_dim).unbind()
        index = torch.randint(sizes.videos, (sizes.batch,))
        yield [view.requires_grad_() for view in views], negative, index


def _together(batch: Batch) -> Batch:
    """Begin at the same time."""
    dist.barrier()
    return batch


def _step(loss: InterIntraNCELoss, batch: Batch) -> None:
    """Forward, with the update of the banks, and backward."""
    loss(*batch).loss.backward()


def memory_and_checkpoint(rank: int, sizes: Sizes, kind: str, folder: Path, read: bool) -> dict[str, float]:
    """Memory of this process, and times of a checkpoint as the training writes and reads it.

    Args:
        rank: which process this is.
        sizes: of the banks.
        kind: of banks.
        folder: where the checkpoint is written.
        read: whether it is read, too: with replicated banks that takes memory for two of them.
    """
    before = resident_mb()
    with peak_mb() as creation:
        loss = sizes.loss(kind)
    results = {
        "banks_mb": loss.bank.features.nbytes / 1e6,
        "growth_mb": resident_mb() - before,
        "peak_growth_mb": creation[0] - before,
    }
    task = IICTask(nn.Linear(1, 1), loss, partial(torch.optim.SGD, lr=0.1))
    trainer = Trainer(
        accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        plugins=[LightningEnvironment()],
    )  # fmt: skip
    callback, file = ShardCheckpoints(folder / "banks"), folder / "last.ckpt"
    files = CheckpointFiles(file, folder / "previous.ckpt")
    with _seconds() as writing:
        checkpoint: dict[str, Any] = {"state_dict": task.state_dict()}
        callback.on_save_checkpoint(trainer, task, checkpoint)
        if rank == 0:
            files.save_checkpoint(checkpoint, file)
    if files.failure:
        raise OSError(files.failure)
    del checkpoint
    results |= {"write_s": writing[0], "checkpoint_mb": disk_use(folder) / 1e6}
    if read:
        some = loss.bank.features[:, ::1000].clone()
        loss.bank.features.zero_()
        _forget(folder)
        with peak_mb() as reading, _seconds() as taken:
            content = torch.load(file, weights_only=True)
            task.load_state_dict(content["state_dict"])
            callback.on_load_checkpoint(trainer, task, content)
        if not torch.equal(loss.bank.features[:, ::1000], some):
            raise RuntimeError("what was read is not what was written")
        results |= {"read_s": taken[0], "peak_growth_of_reading_mb": reading[0] - before}
    return results


@contextmanager
def _seconds() -> Iterator[list[float]]:
    """Seconds until all processes are through."""
    taken: list[float] = []
    dist.barrier()
    began = time.perf_counter()
    yield taken
    dist.barrier()
    taken.append(time.perf_counter() - began)


def _forget(folder: Path) -> None:
    """Let the system drop what it has kept of files in memory, so that they are read from the disk."""
    for file in folder.rglob("*"):
        if file.is_file():
            descriptor = os.open(file, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)
