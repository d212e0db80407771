"""How checkpoints get onto the disk: whole or not at all, and never in the place of the only good one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.plugins.io import TorchCheckpointIO

from iic_ptv.errors import CheckpointNotWritten
from iic_ptv.files.atomic import atomic_write


class CheckpointFiles(TorchCheckpointIO):
    """Lightning's reading and writing of checkpoints, safe against interruptions at any moment and full disks.

    A file is written under another name, flushed to the disk, and then put in its place in one step. Of one file, the
    last checkpoint, the one before is kept. Unlike Lightning's own, this does not make a second copy in memory.

    Args:
        last: the file of which the one before is kept.
        previous: where it is kept.

    Attributes:
        failure: why the last attempt to write failed, in words; none if it did not.
    """

    def __init__(self, last: Path, previous: Path) -> None:
        super().__init__()
        self.last = last
        self.previous = previous
        self.failure: str | None = None

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint; a failure is noted, not raised: other processes wait for this one to come back."""
        self.failure = None
        try:
            with atomic_write(path) as temporary:
                with temporary.open("wb") as file:
                    torch.save(checkpoint, file)
                    file.flush()
                    os.fsync(file.fileno())
                if Path(path) == self.last:
                    self._keep_the_one_before()
            flush(Path(path).parent)
        except (OSError, RuntimeError) as error:
            self.failure = f"{path}: the checkpoint cannot be written ({why_not_written(error)})"

    def _keep_the_one_before(self) -> None:
        """Give the last checkpoint a second name, so that there is a last one at any moment."""
        if not self.last.is_file():
            return
        with atomic_write(self.previous) as temporary:
            try:
                os.link(self.last, temporary)
            except OSError:  # a file system without hard links
                self.last.rename(temporary)


def save_checkpoint(trainer: Trainer, path: Path) -> None:
    """Save a checkpoint, on all processes.

    Raises:
        CheckpointNotWritten: on all processes alike; the message says why.
    """
    trainer.save_checkpoint(path, weights_only=False)
    io = trainer.strategy.checkpoint_io
    failure = trainer.strategy.broadcast(io.failure if isinstance(io, CheckpointFiles) else None)
    if failure is not None:
        raise CheckpointNotWritten(failure)


def why_not_written(error: BaseException) -> str:
    """Why the file could not be written; PyTorch's writer raises an error of its own when it meets a full disk."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, OSError):
        seen = seen.__context__
    return (seen.strerror if seen else None) or str(error).splitlines()[0]


def flush(path: Path) -> None:
    """Let what is in a file outlive a power cut; of a folder, the names of its files."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
