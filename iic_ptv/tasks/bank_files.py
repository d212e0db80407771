"""Files of sharded memory banks: the rows of each process in one, read again by any number of processes."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.files.atomic import atomic_write
from iic_ptv.files.tensor_file import write_tensors
from iic_ptv.losses.sharded_bank import rows_of_process
from iic_ptv.tasks.checkpoint_files import flush

BANKS = "iic_banks"  # entry of our checkpoints that tells of them, beside Lightning's
REPLICATED = "loss.bank.features"  # where banks that are not sharded are in the state of a task
BLOCK = 4096  # rows that a check sum is of
ROWS, SUMS = "rows", "crc32"  # tensors of a file: (R, num_banks, D), and a check sum of each block


@dataclass(frozen=True)
class SavedBanks:
    """What a checkpoint tells of banks that lie beside it.

    Attributes:
        folder: the name of the folder that holds the files.
        num_banks: how many banks there are.
        num_videos: N, the rows of each.
        feature_dim: D.
        world_size: how many processes wrote a file each.
    """

    folder: str
    num_banks: int
    num_videos: int
    feature_dim: int
    world_size: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """That of all rows together."""
        return self.num_banks, self.num_videos, self.feature_dim

    def file_of(self, rank: int) -> str:
        """The name of the file that one of the processes wrote."""
        return f"{rank:05d}-of-{self.world_size:05d}.safetensors"


def banks_named_in(checkpoint: Path) -> str:
    """The name of the folder of banks that a checkpoint of ours needs; empty if it needs none, or is not there."""
    if not checkpoint.is_file():
        return ""
    content = torch.load(checkpoint, mmap=True, weights_only=True)  # of its tensors, nothing is read
    return str(content.get(BANKS, {}).get("folder", ""))


def write_rows(path: Path, features: Tensor) -> None:
    """Write the rows ``(num_banks, R, D)`` that a process holds, through to the disk, whole or not at all.

    Raises:
        OSError: the file cannot be written.
        SafetensorError: likewise.
    """
    rows = features.transpose(0, 1).cpu().contiguous()
    sums = torch.tensor([_sum_of(block) for block in rows.split(BLOCK)], dtype=torch.int64)
    with atomic_write(path) as temporary:
        write_tensors(temporary, {ROWS: rows, SUMS: sums}, {})
        flush(temporary)
    flush(path.parent)


def read_rows(folder: Path, saved: SavedBanks, rows: range, into: Tensor) -> None:
    """Read consecutive rows, and no others, from the files of those who held them.

    Args:
        folder: where the folder of the banks is.
        saved: which banks.
        rows: their numbers.
        into: ``(num_banks, len(rows), D)``, which they are copied into.

    Raises:
        InputError: a file is missing or damaged.
    """
    for rank in range(saved.world_size):
        held = rows_of_process(saved.num_videos, rank, saved.world_size)
        common = range(max(rows.start, held.start), min(rows.stop, held.stop))
        if common:
            path = folder / saved.folder / saved.file_of(rank)
            part = into[:, common.start - rows.start : common.stop - rows.start]
            try:
                _read_part(path, range(common.start - held.start, common.stop - held.start), part)
            except (OSError, SafetensorError) as error:
                raise InputError(
                    f"{path}: these rows of the memory banks cannot be read ({error}); go on from another checkpoint."
                ) from error


def _read_part(path: Path, rows: range, into: Tensor) -> None:
    """Read rows by their places in a file, block by block, so that nothing but the result is ever large."""
    with safe_open(path, framework="pt") as file:
        stored, sums = file.get_slice(ROWS), file.get_tensor(SUMS)
        for number in range(rows.start // BLOCK, -(-rows.stop // BLOCK)):
            start = BLOCK * number
            block = stored[start : start + BLOCK]
            if _sum_of(block) != sums[number]:
                raise SafetensorError("they are not what was written")
            wanted = range(max(rows.start, start), min(rows.stop, start + BLOCK))
            part = block[wanted.start - start : wanted.stop - start]
            into[:, wanted.start - rows.start : wanted.stop - rows.start] = part.transpose(0, 1)


def _sum_of(block: Tensor) -> int:
    return zlib.crc32(block.contiguous().view(torch.uint8).numpy().data)
