"""A function over many items in several processes, where a process that dies takes one item with it, not the run."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from multiprocessing.connection import wait
from typing import Any, TypeVar

from iic_ptv.data.deaf_to_ctrl_c import deaf_to_ctrl_c
from iic_ptv.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")

# A plain fork would copy the locks of threads (progress bars, torch, decord) as they happen to stand.
START_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
PATIENCE = 2.0  # seconds that a process has to tidy up before it is killed


class _Message(Enum):
    READY = "a process's first message, before it has any item"


@dataclass(frozen=True)
class Failure:
    """What stands in the place of a result.

    Attributes:
        reason: why there is none.
        died: whether the process died, rather than was ended for taking too long.
    """

    reason: str
    died: bool


def available_cores() -> int:
    """Number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_parallel(
    function: Callable[[Item], Result], items: Sequence[Item], num_workers: int, time_limit: float = 0.0
) -> Generator[tuple[Item, Result | Failure], None, None]:
    """Yield ``(item, function(item))`` for all items, in the order in which they are done.

    A process has one item at a time, so it is known which one a segmentation fault or the kernel's killing belongs to.
    That item is tried once more, alone, when all others are done: it may have died of the others' hunger for memory.
    An item that takes too long has its process killed, which helps against a decoder that never returns, too.

    Args:
        function: a function of a module, or a ``functools.partial`` of one, as it is sent to other processes.
        items: what to call it with; sent to other processes, too.
        num_workers: processes, at least 1.
        time_limit: seconds that an item may take; 0 for any.

    Raises:
        InputError: the function raised it, or an option cannot be used.
        RuntimeError: the function raised another error; the message holds its traceback.
    """
    if num_workers < 1:
        raise InputError(f"The number of worker processes must be at least 1, got {num_workers}.")
    if time_limit < 0:
        raise InputError(f"The time limit must be 0, for none, or more seconds, got {time_limit:g}.")
    died = []
    for item, outcome in _run(function, items, num_workers, time_limit):
        if isinstance(outcome, Failure) and outcome.died:
            died.append(item)
        else:
            yield item, outcome
    yield from _run(function, died, 1, time_limit)


def _run(
    function: Callable[[Item], Result], items: Sequence[Item], num_workers: int, time_limit: float
) -> Generator[tuple[Item, Result | Failure], None, None]:
    todo = deque(items)
    workers = [_Worker(function, time_limit) for _ in range(min(num_workers, len(todo)))]
    try:
        while workers:
            for worker in _done(workers):
                outcome = worker.outcome()
                if outcome is not _Message.READY:
                    yield worker.item, outcome
                if isinstance(outcome, Failure):
                    workers.remove(worker)
                    worker.end()
                    workers += [_Worker(function, time_limit)] if todo else []
                elif todo:
                    worker.give(todo.popleft())
                else:
                    workers.remove(worker)
                    worker.end()
    finally:
        for worker in workers:
            worker.process.terminate()  # all at once, so that they tidy up side by side
        for worker in workers:
            worker.end()


class _Worker:
    """A process that does one item at a time, seen from the process that hands them out."""

    def __init__(self, function: Callable[[Any], Any], time_limit: float) -> None:
        context: Any = multiprocessing.get_context(START_METHOD)
        if START_METHOD == "forkserver":  # so that not every process imports them anew
            context.set_forkserver_preload(["torch", getattr(function, "func", function).__module__])
        self.connection, far_end = context.Pipe()
        self.process = context.Process(target=_work, args=(function, far_end), daemon=True)
        with deaf_to_ctrl_c():
            self.process.start()
        far_end.close()  # or the end of the process would not be seen here
        self.time_limit = time_limit
        self.deadline = float("inf")  # starting takes as long as it takes
        self.item: Any = _Message.READY

    def give(self, item: Any) -> None:
        self.item = item
        self.deadline = time.monotonic() + (self.time_limit or float("inf"))
        with suppress(BrokenPipeError):  # it died while it waited; `outcome` tells
            self.connection.send(item)

    def outcome(self) -> Any:
        """What became of the item."""
        if not self.connection.poll():
            return Failure(f"it took longer than {self.time_limit:g} s", died=False)
        try:
            outcome = self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            if self.item is _Message.READY:
                raise InputError(f"worker processes cannot be started: {_death(self.process.exitcode)}.") from None
            return Failure(_death(self.process.exitcode), died=True)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def end(self) -> None:
        """End the process, whatever it does, and let go of it."""
        self.process.terminate()
        self.process.join(PATIENCE)
        self.process.kill()
        self.process.join()
        self.process.close()
        self.connection.close()


def _done(workers: Sequence[_Worker]) -> list[_Worker]:
    """Wait until there are workers that have answered, died, or are late."""
    earliest = min(worker.deadline for worker in workers)
    timeout = None if earliest == float("inf") else max(earliest - time.monotonic(), 0)
    answered = wait([worker.connection for worker in workers], timeout)
    now = time.monotonic()
    return [worker for worker in workers if worker.connection in answered or worker.deadline <= now]


def _work(function: Callable[[Any], Any], connection: Any) -> None:
    """What a worker process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # runs what is to be run on the way out, unlike the default
    _use_one_thread()
    outcome: Any = _Message.READY
    while True:
        try:
            connection.send(outcome)
            item = connection.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):  # the first process is gone
            return
        try:
            outcome = function(item)
        except InputError as error:
            outcome = error
        except Exception:
            outcome = RuntimeError(f"a worker process failed\n{traceback.format_exc()}")


def _use_one_thread() -> None:
    """The processes share the cores; threads of each would wait for those of the others."""
    import torch

    torch.set_num_threads(1)


def _death(exit_code: int | None) -> str:
    if exit_code is None or exit_code >= 0:
        return f"its process ended with exit code {exit_code}"
    hint = ", most likely for want of memory" if -exit_code == signal.SIGKILL else ""
    return f"its process died: {signal.strsignal(-exit_code)}{hint}"
