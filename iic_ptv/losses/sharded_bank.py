"""Memory banks of which each process holds a share, for more videos than fit into the memory of one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from iic_ptv.distributed import rank, world_size
from iic_ptv.losses.initial_rows import draw_seed, fill_with_initial_rows
from iic_ptv.losses.memory_bank import mix_into
from iic_ptv.losses.row_exchange import RowExchange


class ShardedMemoryBank(nn.Module):
    """What :class:`~iic_ptv.losses.memory_bank.MemoryBank` is, but each process holds consecutive rows alone.

    Rows, losses and gradients are those of the replicated banks, up to rounding. All processes must look up and update
    together. What crosses the network is the rows that are drawn, and new features on their way to the process that
    holds their rows.

    The rows come into being when they are first needed, as it is known only then how many processes there are. They are
    no buffer: ``DistributedDataParallel`` would give all processes those of the first. They are not in the state dict
    either, which the first process writes for all; :class:`~iic_ptv.tasks.shard_checkpoints.ShardCheckpoints` keeps
    them. A state dict of replicated banks can be loaded.

    Args:
        num_banks: one for each view, and one for each kind of intra-negatives.
        num_videos: N, of all processes together; a sample's index is its row.
        feature_dim: D.
        momentum: the share of the old row that an update keeps.
        dtype: what rows are kept, and sent, in; they are mixed and compared in float32 in any case.
    """

    def __init__(
        self,
        num_banks: int,
        num_videos: int,
        feature_dim: int,
        momentum: float = 0.5,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.shape = (num_banks, num_videos, feature_dim)
        self.momentum = momentum
        self._seed = draw_seed()
        self._rows = torch.empty(0, num_banks, feature_dim, dtype=dtype)  # what is sent together lies together

    @cached_property
    def held_rows(self) -> range:
        """The rows that this process holds, from when they are first needed on."""
        return rows_of_process(self.shape[1], rank(), world_size())

    @property
    def features(self) -> Tensor:
        """These rows, ``(num_banks, len(held_rows), D)``."""
        if len(self._rows) != len(self.held_rows):
            self._rows = self._rows.new_empty(len(self.held_rows), *self._rows.shape[1:])
            fill_with_initial_rows(self._rows.transpose(0, 1), self._seed, self.held_rows.start)
        return self._rows.transpose(0, 1)

    @torch.no_grad()
    def lookup(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Get the features of rows ``(B, R)`` from the processes that hold them.

        Returns:
            Features ``(num_banks, M, D)`` of the M distinct ones among the rows; and the place ``(B, R)`` of each row
            among the M.
        """
        named, place = rows.unique(return_inverse=True)  # in order, thus by the process that holds them
        exchange = self._exchange_with_holders(named)
        asked_for = exchange.there(named) - self.held_rows.start
        answers = exchange.back(self.features.transpose(0, 1).index_select(0, asked_for))
        return answers.transpose(0, 1).contiguous(), place

    @torch.no_grad()
    def update(self, features: Tensor, index: Tensor, momentum: float | None = None) -> None:
        """Mix new features into their rows: ``row <- normalise(momentum * row + (1 - momentum) * feature)``.

        An index that occurs more than once in the batches of all processes takes the feature that stands last (ranks
        in order).

        Args:
            features: ``(num_banks, B, D)``.
            index: rows ``(B,)``.
            momentum: in place of the bank's own; 0 replaces the rows.
        """
        index, order = index.sort(stable=True)  # so that of equal ones the last stays last
        exchange = self._exchange_with_holders(index)
        came = exchange.there(features.transpose(0, 1)[order])
        rows = exchange.there(index) - self.held_rows.start
        mix_into(self.features, came.transpose(0, 1), rows, self.momentum if momentum is None else momentum)

    def _exchange_with_holders(self, rows: Tensor) -> RowExchange:
        """An exchange, with the processes that hold them, of something for each of the rows, which are in order."""
        num_videos = self.shape[1]
        if self.held_rows != rows_of_process(num_videos, rank(), world_size()):
            raise RuntimeError("The rows of these banks are shared out among other processes than there are now.")
        return RowExchange(torch.bincount(rows // share_of(num_videos, world_size()), minlength=world_size()))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> ShardedMemoryBank:
        """Move the rows, too, to another device or type."""
        super()._apply(fn, recurse)
        self._rows = fn(self._rows)
        return self

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: Mapping[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take the rows that are held out of a state of replicated banks; one of sharded banks has none."""
        name = f"{prefix}features"
        if (every_row := state_dict.get(name)) is None:
            return
        if tuple(every_row.shape) != self.shape:
            error_msgs.append(f"size mismatch for {name}: {tuple(every_row.shape)}, expected {self.shape}.")
            return
        self.features.copy_(every_row[:, self.held_rows.start : self.held_rows.stop])

    def extra_repr(self) -> str:
        """Show the size."""
        return "{} banks of {} x {}, sharded, momentum={}".format(*self.shape, self.momentum)


def share_of(num_videos: int, world_size: int) -> int:
    """How many rows each of several processes holds; the last ones hold fewer."""
    return math.ceil(num_videos / world_size)


def rows_of_process(num_videos: int, rank: int, world_size: int) -> range:
    """The rows that one of several processes holds.

    Example:
        >>> [rows_of_process(10, rank, 4) for rank in range(4)]
        [range(0, 3), range(3, 6), range(6, 9), range(9, 10)]
    """
    share = share_of(num_videos, world_size)
    return range(min(share * rank, num_videos), min(share * (rank + 1), num_videos))
