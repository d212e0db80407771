"""Watching the steps of a training: some to warm up, some to take times of, then one to trace, one to count."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from torch.profiler import ProfilerActivity, profile

from iic_ptv.runs.profiling.operations import counted_operations, finish, seconds_in_convolutions
from iic_ptv.runs.profiling.stopwatch import Stopwatch
from iic_ptv.step_parts import BACKWARD, OPTIMIZER, listening, step_part
from iic_ptv.tasks.accumulation import made_a_step

WARM_UP, TRACED, COUNTED = 2, 1, 1  # steps


class WatchSteps(Callback):
    """Take the times of a training's steps, trace one, and count the operations of another.

    Where there is a GPU, some steps are first timed as they are. Then, with every part, the processor waits for it, so
    that its time is that of what was asked for in it.

    Args:
        num_steps: how many to take times of.

    Attributes:
        laps: seconds of the parts of each step.
        seconds: of a step when nothing is waited for.
        profiler: of PyTorch, which can export what it has seen of one step.
        convolution_share: share of the time of this step that went into convolutions.
        operations: floating-point operations of a step.
        device_memory: bytes of the GPU's memory that were needed at most; 0 on a CPU.
    """

    def __init__(self, num_steps: int) -> None:
        self.num_steps = num_steps
        self.laps: list[dict[str, float]] = []
        self.seconds = 0.0
        self.convolution_share = 0.0
        self.operations = 0
        self.device_memory = 0
        self._part = ExitStack()

    def total_steps(self, on_gpu: bool) -> int:
        """How many steps the training has to make."""
        return WARM_UP + self.num_steps * (2 if on_gpu else 1) + TRACED + COUNTED

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Begin to watch, once the optimiser is there."""
        trainer.optimizers[0].register_step_post_hook(lambda *_: self._part.close())
        self._watched = self._watch(trainer.strategy.root_device)
        next(self._watched)

    def on_before_backward(self, *_: Any) -> None:
        """A part begins that the task does not mark, as it is Lightning's."""
        self._part.enter_context(step_part(BACKWARD))

    def on_after_backward(self, *_: Any) -> None:
        """It ends."""
        self._part.close()

    def on_before_optimizer_step(self, *_: Any) -> None:
        """Another one begins, which the optimiser ends itself."""
        self._part.enter_context(step_part(OPTIMIZER))

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Go on with the next step."""
        self._part.close()  # a step that a scaler of gradients has left out
        if made_a_step(trainer, batch_idx):
            next(self._watched, None)

    def _watch(self, device: torch.device) -> Iterator[None]:
        """What is done around the steps, each of which is made where this yields."""
        for _ in range(WARM_UP):
            yield
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            finish(device)
            began = time.perf_counter()
            for _ in range(self.num_steps):
                yield
            finish(device)
            self.seconds = (time.perf_counter() - began) / self.num_steps
            self.device_memory = torch.cuda.max_memory_allocated(device)
        stopwatch = Stopwatch(partial(finish, device))
        with listening(stopwatch):
            for _ in range(self.num_steps):
                yield
                self.laps.append(stopwatch.lap())
        self.seconds = self.seconds or sum(map(sum, (lap.values() for lap in self.laps))) / self.num_steps
        yield from self._trace(device)
        with counted_operations() as operations:
            yield
        self.operations = operations()

    def _trace(self, device: torch.device) -> Iterator[None]:
        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]
        with profile(activities=activities) as self.profiler:
            began = time.perf_counter()
            for _ in range(TRACED):
                yield
            finish(device)
            seconds = time.perf_counter() - began
        self.convolution_share = seconds_in_convolutions(self.profiler, device) / seconds
