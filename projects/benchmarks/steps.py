"""Training steps of the reference and ours on the same work, in processes of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from iic_ptv.losses import InterIntraNCELoss
from iic_ptv.models import r3d
from iic_ptv.models.compilation import compile_network
from iic_ptv.runs.bfloat16 import keep_wrong_layers_in_float32
from iic_ptv.runs.kept_memory import keep_freed_memory
from iic_ptv.runs.profiling.operations import counted_operations, finish, seconds_in_convolutions
from iic_ptv.tasks.iic import IICTask
from iic_ptv.transforms import RepeatFrame
from projects.benchmarks.reference_step import ReferenceLoss, reference_features
from projects.benchmarks.timing import peak_mb, resident_mb

REFERENCE = "reference"
FLOAT32, BFLOAT16 = "ours, float32", "ours, bfloat16"
COMPILED, GRAPHS = "ours, bfloat16, compiled", "ours, bfloat16, CUDA graphs"
MODES = {COMPILED: "default", GRAPHS: "reduce-overhead"}  # of torch.compile
SGD: dict[str, Any] = {"lr": 0.01, "momentum": 0.9, "weight_decay": 1e-4}


@dataclass(frozen=True)
class Work:
    """What a step is of; by default the recipe of the paper with small batches.

    Attributes:
        batch: clips.
        frames: of a clip.
        side: of a frame, in pixels.
        num_videos: N, rows of the banks.
        num_negatives: K.
        width: factor on the channels of R3D.
    """

    batch: int = 4
    frames: int = 16
    side: int = 112
    num_videos: int = 9537
    num_negatives: int = 1024
    width: float = 1.0


PAPER = Work()


class ReferenceTraining:
    """Steps of the reference.

    Args:
        work: what a step is of.
        device: "cpu" or "cuda".
    """

    def __init__(self, work: Work, device: str) -> None:
        self.network = r3d(width=work.width).to(device)
        self.loss = ReferenceLoss(work.num_videos, self.network.feature_dim, work.num_negatives).to(device)
        self.optimizer = torch.optim.SGD(self.network.parameters(), **SGD)

    def __call__(self, clip: Tensor, index: Tensor) -> Tensor:
        """Make a step on clips of these rows of the banks; returns the loss."""
        frames = torch.randint(clip.shape[2], (len(clip),)).tolist()
        self.optimizer.zero_grad()
        loss: Tensor = self.loss(*reference_features(self.network, clip, frames), index)
        loss.backward()
        self.optimizer.step()
        return loss.detach()


class OurTraining:
    """Steps as ``iic pretrain`` makes them.

    Args:
        work: what a step is of.
        device: "cpu" or "cuda".
        bfloat16: compute in mixed precision.
        mode: compile the network in this mode.
    """

    def __init__(self, work: Work, device: str, bfloat16: bool = False, mode: str | None = None) -> None:
        self.network = r3d(width=work.width).to(memory_format=torch.channels_last_3d)
        if device == "cpu":
            keep_freed_memory()
        if device == "cpu" and bfloat16:
            keep_wrong_layers_in_float32([self.network], (work.batch, 3, work.frames, work.side, work.side))
        if mode is not None:
            compile_network(self.network, mode)
        loss = InterIntraNCELoss(work.num_videos, self.network.feature_dim, num_negatives=work.num_negatives)
        self.task = IICTask(
            self.network, loss, partial(torch.optim.SGD, **SGD, fused=True), intra_negative=RepeatFrame()
        ).to(device)
        self.optimizer = self.task.configure_optimizers()
        self.autocast = partial(torch.autocast, device, torch.bfloat16, enabled=bfloat16)

    def __call__(self, clip: Tensor, index: Tensor) -> Tensor:
        """Make a step on clips of these rows of the banks; returns the loss."""
        torch.compiler.cudagraph_mark_step_begin()  # networks that are not compiled do not notice
        self.optimizer.zero_grad()
        with self.autocast():
            features, negative = self.task({"video": clip})
            loss: Tensor = self.task.loss(features, negative, index).loss
        loss.backward()
        self.optimizer.step()
        return loss.detach()


TrainingSteps = ReferenceTraining | OurTraining
MAKERS: dict[str, Callable[[Work, str], TrainingSteps]] = {
    REFERENCE: ReferenceTraining,
    FLOAT32: OurTraining,
    BFLOAT16: partial(OurTraining, bfloat16=True),
    **{name: partial(OurTraining, bfloat16=True, mode=mode) for name, mode in MODES.items()},
}


def run(name: str, work: Work, steps: int, device: str = "cpu") -> dict[str, Any]:
    """Make some steps, after two to warm up.

    Returns:
        ``seconds`` of each; ``peak_mb``, memory at the peak of a step beyond what there was before the first one;
        ``graph_mb``, what is kept for the backward pass; ``operations`` of a step, in convolutions and matrix products;
        ``convolution_seconds``, those of a last step that are spent in convolutions, and their share ``convolutions``.
    """
    torch.manual_seed(0)
    step = MAKERS[name](work, device)
    clip = torch.rand(work.batch, 3, work.frames, work.side, work.side, device=device)
    index = torch.randperm(work.num_videos, device=device)[: work.batch]
    with peak_growth_mb(device) as growth:
        seconds = [seconds_of(partial(step, clip, index), device) for _ in range(steps + 2)][2:]
    with counted_operations() as operations:
        step(clip, index)
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device == "cuda" else [])]
    with profile(activities=activities) as profiler:
        profiled = seconds_of(partial(step, clip, index), device)
    convolutions = seconds_in_convolutions(profiler, torch.device(device))
    return {
        "seconds": seconds,
        "peak_mb": growth[0],
        "graph_mb": kept_for_backward_mb(step, clip, index),
        "operations": operations(),
        "convolution_seconds": convolutions,
        "convolutions": convolutions / profiled,
    }


def kept_for_backward_mb(step: TrainingSteps, clip: Tensor, index: Tensor) -> float:
    """Memory of the tensors that a step keeps for its backward pass, beside the weights, each counted once."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in step.network.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage  # which keeps it from being freed, and its place from being used again
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        step(clip, index)
    return sum(storage.nbytes() for storage in kept.values()) / 1e6


@contextmanager
def peak_growth_mb(device: str) -> Iterator[list[float]]:
    """The most memory that this process held on the device meanwhile, beyond what it held before."""
    growth: list[float] = []
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        yield growth
        growth.append((torch.cuda.max_memory_allocated() - before) / 1e6)
        return
    held = resident_mb()
    with peak_mb() as peak:
        yield growth
    growth.append(peak[0] - held)


def seconds_of(work: Callable[[], Any], device: str) -> float:
    """Seconds until the device is done with it."""
    finish(torch.device(device))
    began = time.perf_counter()
    work()
    finish(torch.device(device))
    return time.perf_counter() - began
