"""Work that several processes share: each takes every n-th of n processes, and the first collects what they find.

A process that works alone has everything to do, and nothing to collect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from iic_ptv.distributed import patient_group, rank, told_to_all, world_size
from iic_ptv.errors import InputError, message_of

Item = TypeVar("Item")
SENT_AT_ONCE = 1024  # rows: the first process holds no second copy of a whole share
FAILED = 2  # exit code of what the user can mend


def own_share(items: Sequence[Item]) -> Sequence[Item]:
    """What this process has to do of what all have, which is the same for all of them; maybe nothing."""
    return items[rank() :: world_size()]


@contextmanager
def failing_together() -> Iterator[None]:
    """Wait at the end of the block for all processes; what the user can mend in one of them ends them all.

    The first process tells of it, whichever met it, and the others end without a word. None waits for one that has
    ended. In the block, processes must not wait for each other.

    Raises:
        InputError: in the first process, if there was one in any; in all that are left, if one has died.
        SystemExit: in the others.
    """
    failure: InputError | None = None
    try:
        yield
    except InputError as error:
        failure = error
    try:
        told = told_to_all(failure and message_of(failure))
    except RuntimeError as error:  # the connection to one of them broke
        raise failure or InputError("Another process has ended in the middle of its work; see what it says.") from error
    messages = [message for message in told if message is not None]
    if not messages:
        return
    if rank():
        raise SystemExit(FAILED)
    raise failure or InputError(messages[0])


def collected(rows: Sequence[int], tensors: Sequence[Tensor]) -> tuple[list[int], list[Tensor]] | None:
    """Bring together what the processes have found out about rows of a collection.

    Args:
        rows: those that this process has found something out about.
        tensors: on the CPU, each with an entry for every row, ``(n, ...)``; without rows, of whatever other shape.

    Returns:
        In the first process, all rows in ascending order, each once, and the tensors with an entry for each; None in
        the others. A process that works alone gets back what it has.
    """
    if world_size() == 1:
        return list(rows), list(tensors)
    nothing = [tensor.new_empty(0, *tensor.shape[1:]) for tensor in tensors]  # but the kind of what there is
    told = told_to_all((torch.tensor(rows, dtype=torch.long), nothing))
    shares = [own for own, _ in told]
    kinds = next((kinds for own, kinds in told if len(own)), nothing)
    if rank():
        if len(rows):
            for tensor in tensors:
                _send(tensor)
        return None
    all_rows = torch.cat(shares).unique()
    places = [torch.searchsorted(all_rows, own) for own in shares]
    found = [kind.new_empty(len(all_rows), *kind.shape[1:]) for kind in kinds]
    for whole, own in zip(found, tensors, strict=True):
        _collect(whole, own, places)
    return all_rows.tolist(), found


def _send(tensor: Tensor) -> None:
    for part in tensor.split(SENT_AT_ONCE):
        dist.send(part.contiguous(), dst=0, group=patient_group())


def _collect(whole: Tensor, own: Tensor, places: Sequence[Tensor]) -> None:
    """Put the entries of every process into their places, those of the first one and those that the others send."""
    if len(own):
        whole[places[0]] = own
    for sender, all_places in enumerate(places[1:], start=1):
        for some in all_places.split(SENT_AT_ONCE) if len(all_places) else ():
            part = whole.new_empty(len(some), *whole.shape[1:])
            dist.recv(part, src=sender, group=patient_group())
            whole[some] = part
