"""Taking times such that they can be compared: alternatives take turns, so that a busy machine is busy for all."""

from __future__ import annotations

import multiprocessing
import os
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

Name = TypeVar("Name")
Item = TypeVar("Item")
Prepared = TypeVar("Prepared")
Result = TypeVar("Result")
Alternative = Callable[[Item], float]
"""Does something with an item, and returns the seconds that it took."""


def timed(work: Callable[[Item], Any]) -> Alternative[Item]:
    """An alternative that takes the time of ``work(item)``."""
    return timed_after(lambda item: item, work)


def timed_after(prepare: Callable[[Item], Prepared], work: Callable[[Prepared], Any]) -> Alternative[Item]:
    """An alternative that takes the time of ``work(prepare(item))`` without that of ``prepare``."""

    def run(item: Item) -> float:
        prepared = prepare(item)
        began = time.perf_counter()
        work(prepared)
        return time.perf_counter() - began

    return run


def round_robin(alternatives: Mapping[Name, Alternative[Item]], items: Iterable[Item]) -> dict[Name, list[float]]:
    """Seconds that every alternative took for every item.

    For each item they take turns in another order, as each finds caches and threads as the one before leaves them.
    """
    orders = random.Random(0)
    seconds: dict[Name, list[float]] = {name: [] for name in alternatives}
    for item in items:
        for name in orders.sample(list(alternatives), len(alternatives)):
            seconds[name].append(alternatives[name](item))
    return seconds


def median_ms(seconds: Mapping[Name, list[float]]) -> dict[Name, float]:
    """Median of every alternative's times, in milliseconds."""
    return {name: round(1000 * statistics.median(times), 3) for name, times in seconds.items()}


@contextmanager
def on_one_core() -> Iterator[None]:
    """Keep this process, with all threads that it starts, on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def in_new_process(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function in a process that has imported modules and done nothing else: its memory is known."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([function.__module__])
    with ProcessPoolExecutor(1, context) as process:
        return process.submit(function, *arguments).result()


def new_processes_in_turn(
    names: Iterable[Name], rounds: int, function: Callable[..., Result], *arguments: Any
) -> dict[Name, list[Result]]:
    """What ``function(name, *arguments)`` returns for every name, each time in a new process.

    In every round they take turns in another order.
    """
    names = list(names)
    orders = random.Random(0)
    results: dict[Name, list[Result]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in orders.sample(names, len(names)):
            results[name].append(in_new_process(function, name, *arguments))
    return results


def cpu_seconds() -> float:
    """Processor time that this process and those that it started have taken, as far as they are still there."""
    own = os.times()
    stats = [Path(f"/proc/{child.pid}/stat").read_text() for child in multiprocessing.active_children()]
    fields = [stat.rpartition(")")[2].split() for stat in stats]  # from the third on; the second is a name
    ticks = sum(int(each[11]) + int(each[12]) for each in fields)
    return own.user + own.system + ticks / os.sysconf("SC_CLK_TCK")


def resident_mb() -> float:
    """Memory that this process holds, in megabytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def peak_mb() -> Iterator[list[float]]:
    """The most memory that this process held meanwhile, in megabytes."""
    peak: list[float] = []
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back
    yield peak
    lines = Path("/proc/self/status").read_text().splitlines()
    peak.append(next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM")))
