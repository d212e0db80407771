"""Checkpoints of sharded memory banks: every process writes the rows that it holds, beside what the first writes."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from safetensors import SafetensorError
from torch import nn

from iic_ptv.distributed import rank, told_to_all, world_size
from iic_ptv.errors import CheckpointNotWritten, InputError
from iic_ptv.losses.memory_bank import MemoryBank
from iic_ptv.losses.sharded_bank import ShardedMemoryBank
from iic_ptv.tasks.bank_files import BANKS, REPLICATED, SavedBanks, read_rows, write_rows
from iic_ptv.tasks.checkpoint_files import why_not_written


class ShardCheckpoints(Callback):
    """Let checkpoints hold sharded memory banks, too.

    Each process writes its rows to a file of its own, in a folder that is of this checkpoint alone, before the file is
    written that names it. Each reads the rows that it holds, whatever number of processes wrote them. Where the loss of
    the task that is resumed has the other kind of banks, sharded ones become replicated ones and the other way round.

    Args:
        folder: where the folders of files are made; all processes must see the same.

    Raises:
        CheckpointNotWritten: while saving, on all processes alike, if one could not write its rows.
        InputError: while loading, on all processes alike, if a file is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Let a state without banks be loaded, which is done before a callback sees the checkpoint."""
        self._without_banks = pl_module.register_load_state_dict_post_hook(_allow_no_banks)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Be strict again."""
        self._without_banks.remove()

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Write the rows of this process, and tell in the checkpoint where all are."""
        bank = _bank_of(pl_module)
        if not isinstance(bank, ShardedMemoryBank):
            return
        tag = told_to_all(secrets.token_hex(4))[0]
        name = f"step-{trainer.global_step:09d}-{tag}"
        saved = SavedBanks(name, *bank.shape, world_size())
        failure = _failure_of_writing(self.folder / name / saved.file_of(rank()), bank)
        if failures := [each for each in told_to_all(failure) if each]:
            if rank() == 0:
                shutil.rmtree(self.folder / name, ignore_errors=True)
            raise CheckpointNotWritten(failures[0])
        checkpoint[BANKS] = asdict(saved)

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Read the rows that this process holds, unless they were in the state of the task."""
        bank = _bank_of(pl_module)
        if bank is None or REPLICATED in checkpoint["state_dict"]:
            return
        failure = self._failure_of_reading(bank, checkpoint)
        if failures := [each for each in told_to_all(failure) if each]:
            raise InputError(failures[0])

    def _failure_of_reading(self, bank: MemoryBank | ShardedMemoryBank, checkpoint: dict[str, Any]) -> str | None:
        if BANKS not in checkpoint:
            return (
                "The checkpoint holds no memory banks: they were sharded, and it was written without ShardCheckpoints."
            )
        saved = SavedBanks(**checkpoint[BANKS])
        if saved.shape != bank.shape:
            return f"{self.folder / saved.folder}: these memory banks are {saved.shape}, expected {bank.shape}."
        try:
            read_rows(self.folder, saved, bank.held_rows, bank.features)
        except InputError as error:
            return str(error)
        return None


def remove_unused(folder: Path, kept: Collection[str]) -> None:
    """Remove files of banks that no checkpoint needs any more.

    Args:
        folder: that of :class:`ShardCheckpoints`.
        kept: the names of the folders within it that are still needed.
    """
    for each in folder.glob("step-*"):
        if each.name not in kept:
            shutil.rmtree(each, ignore_errors=True)


def _bank_of(task: LightningModule) -> MemoryBank | ShardedMemoryBank | None:
    """The banks of a task; those of other losses are their own affair."""
    bank = getattr(getattr(task, "loss", None), "bank", None)
    return bank if isinstance(bank, (MemoryBank, ShardedMemoryBank)) else None


def _failure_of_writing(path: Path, bank: ShardedMemoryBank) -> str | None:
    """Write the rows that are held; returns why that was not possible."""
    try:
        write_rows(path, bank.features)
    except (OSError, SafetensorError) as error:
        return f"{path}: the checkpoint cannot be written ({why_not_written(error)})"
    return None


def _allow_no_banks(module: nn.Module, keys: Any) -> None:
    if REPLICATED in keys.missing_keys:
        keys.missing_keys.remove(REPLICATED)
