"""How much arithmetic a step is: its own, and what the machine could do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch.profiler import profile
from torch.utils.flop_counter import FlopCounterMode

CONVOLUTIONS = ("aten::convolution", "aten::convolution_backward", "mkldnn::_convolution_pointwise")
SMALLEST = 256  # of the matrices that are multiplied
LARGEST = {"cpu": 2048}
LARGEST_ELSEWHERE = 8192
LONG_ENOUGH = 0.1  # seconds: a processor without instructions for a type may take minutes for a large product
ROUNDS = 4  # the first is to warm up


@contextmanager
def counted_operations() -> Iterator[Callable[[], int]]:
    """Count the floating-point operations of convolutions and matrix products, compiled ones included.

    Yields:
        What tells how many there were; a multiplication and an addition are two.
    """
    stance: Any = getattr(torch.compiler, "set_stance", None)  # PyTorch 2.5 has none
    with stance("force_eager") if stance else nullcontext(), FlopCounterMode(display=False) as counter:
        yield counter.get_total_flops


def matrix_product_speed(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations per second of a large matrix product, the best of a few."""
    size, largest = SMALLEST, LARGEST.get(device.type, LARGEST_ELSEWHERE)
    while (seconds := _seconds_of_product(size, device, dtype)) < LONG_ENOUGH and size < largest:
        size *= 2
    return 2 * size**3 / seconds


def _seconds_of_product(size: int, device: torch.device, dtype: torch.dtype) -> float:
    left, right = torch.rand(2, size, size, device=device).to(dtype)
    seconds = []
    for _ in range(ROUNDS):
        finish(device)
        began = time.perf_counter()
        torch.mm(left, right)
        finish(device)
        seconds.append(time.perf_counter() - began)
    return min(seconds[1:])


def seconds_in_convolutions(profiler: profile, device: torch.device) -> float:
    """Time that a device has spent in convolutions, forward and backward, while the profiler looked on."""
    events = [event for event in profiler.key_averages() if event.key in CONVOLUTIONS]
    attribute = "cpu_time_total" if device.type == "cpu" else "device_time_total"
    return 1e-6 * sum(getattr(event, attribute) for event in events)


def finish(device: torch.device) -> None:
    """Wait until a device has done what it was told to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
