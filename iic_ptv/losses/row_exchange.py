"""Sending rows of tensors to the processes that they are meant for, and the answers back."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor

from iic_ptv.distributed import world_size


class RowExchange:
    """An exchange of rows between all processes, each of which sends as many as it likes to each.

    Args:
        counts: how many rows this process sends to each of them, ``(world_size,)``, on the device of the rows.

    Example:
        >>> exchange = RowExchange(torch.tensor([2]))  # one process alone sends all to itself
        >>> exchange.back(10 * exchange.there(torch.tensor([3, 4])))
        tensor([30, 40])
    """

    def __init__(self, counts: Tensor) -> None:
        received = counts
        if world_size() > 1:
            received = torch.empty_like(counts)
            dist.all_to_all_single(received, counts)
        self._sent, self._received = torch.stack([counts, received]).tolist()  # once for both: it waits for the device

    def there(self, rows: Tensor) -> Tensor:
        """Send rows ``(R, ...)``, first those for process 0; returns those that came, first those of process 0."""
        return _exchange(rows, self._sent, self._received)

    def back(self, answers: Tensor) -> Tensor:
        """Send an answer to each row that came; returns those to the rows that were sent, in the order of these."""
        return _exchange(answers, self._received, self._sent)


def _exchange(rows: Tensor, sent: list[int], received: list[int]) -> Tensor:
    rows = rows.contiguous()
    if world_size() == 1:
        return rows
    came = rows.new_empty(sum(received), *rows.shape[1:])
    dist.all_to_all_single(came, rows, received, sent)
    return came
