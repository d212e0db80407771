"""Ways from a file of clip features to the hits of retrieval, and how long each step of them takes."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from sklearn.metrics.pairwise import cosine_distances

from iic_ptv.evaluation.retrieval import PAPER_KS, retrieval_hits

VIDEOS_PER_BLOCK = 16  # few, so that their clips stay in the cache

Array = NDArray[Any]


@dataclass(frozen=True)
class Sizes:
    """How much there is to search."""

    queries: int
    gallery: int
    clips: int
    dimensions: int
    classes: int

    @property
    def videos(self) -> int:
        """Queries first, then the gallery."""
        return self.queries + self.gallery

    def labels(self) -> tuple[Array, Array]:
        """Random classes of queries and gallery."""
        labels = np.random.default_rng(0).integers(self.classes, size=self.videos)
        return labels[: self.queries], labels[self.queries :]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a contender came to: seconds by stage, and whether each query hits within each k."""

    seconds: dict[str, float]
    hits: Array


class Clock:
    """Takes the time of stages, which may come again and again."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._began = time.perf_counter()

    def done(self, stage: str) -> None:
        """What was done since another stage was done, or since the start, is this stage."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0) + now - self._began
        self._began = now


def straightforward(path: Path, sizes: Sizes, dtype: DTypeLike) -> Outcome:
    """All clips in memory, all distances, all of the ranking, and a loop over queries."""
    clock = Clock()
    clips = np.empty((sizes.videos, sizes.clips, sizes.dimensions), dtype)
    for number, block in enumerate(_read_blocks(path, sizes)):
        clips[number * VIDEOS_PER_BLOCK :][: len(block)] = block
    clock.done("read")
    means = clips.mean(axis=1)
    clock.done("means")
    distances = cosine_distances(means[: sizes.queries], means[sizes.queries :])
    clock.done("similarities")
    order = distances.argsort(axis=1)
    clock.done("ranking")
    query_labels, gallery_labels = sizes.labels()
    hits = np.zeros((sizes.queries, len(PAPER_KS)), bool)
    for query in range(sizes.queries):
        relevant = gallery_labels[order[query]] == query_labels[query]
        for column, k in enumerate(PAPER_KS):
            hits[query, column] = relevant[:k].any()
    clock.done("hits")
    return Outcome(clock.seconds, hits)


def ours(path: Path, sizes: Sizes) -> Outcome:
    """Means of clips as they are read, and :func:`retrieval_hits`."""
    clock = Clock()
    means = _means(path, sizes, clock)
    query_labels, gallery_labels = map(torch.from_numpy, sizes.labels())
    hits = retrieval_hits(means[: sizes.queries], query_labels, means[sizes.queries :], gallery_labels)
    clock.done("hits")
    return Outcome(clock.seconds, hits.numpy())


def floor(path: Path, sizes: Sizes, multiply: Callable[[torch.Tensor, torch.Tensor], Any]) -> Outcome:
    """What any search does that compares all means: read the clips, and multiply. That alone tells no hits."""
    clock = Clock()
    means = _means(path, sizes, clock)
    multiply(*means.split([sizes.queries, sizes.gallery]))
    clock.done("similarities")
    return Outcome(clock.seconds, np.empty(0))


def _multiply_float32(query: torch.Tensor, gallery: torch.Tensor) -> Any:
    return query.numpy() @ gallery.numpy().T  # NumPy's library is the faster one on some machines


def _multiply_bfloat16(query: torch.Tensor, gallery: torch.Tensor) -> Any:
    return query.bfloat16() @ gallery.bfloat16().T


CONTENDERS: dict[str, Callable[[Path, Sizes], Outcome]] = {
    "NumPy, float32": partial(straightforward, dtype=np.float32),
    "NumPy, float64": partial(straightforward, dtype=np.float64),
    "ours": ours,
    "floor, float32": partial(floor, multiply=_multiply_float32),
    "floor, bfloat16": partial(floor, multiply=_multiply_bfloat16),
}


def run(name: str, path: Path, sizes: Sizes) -> tuple[Outcome, float]:
    """What a contender comes to, and the peak memory of its process in megabytes, libraries and all."""
    outcome = CONTENDERS[name](path, sizes)
    return outcome, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def write_clips(path: Path, sizes: Sizes) -> None:
    """Random clip features, of one video after the other."""
    generator = np.random.default_rng(0)
    with open(path, "wb") as file:
        for start in range(0, sizes.videos, VIDEOS_PER_BLOCK):
            videos = min(VIDEOS_PER_BLOCK, sizes.videos - start)
            file.write(generator.standard_normal((videos, sizes.clips, sizes.dimensions), np.float32).data)


def _read_blocks(path: Path, sizes: Sizes) -> Iterator[Array]:
    """Clip features of a few videos at a time, ``(B, clips, D)``; each block takes the place of the one before."""
    buffer = np.empty((VIDEOS_PER_BLOCK, sizes.clips, sizes.dimensions), np.float32)
    with open(path, "rb") as file:
        for start in range(0, sizes.videos, VIDEOS_PER_BLOCK):
            block = buffer[: sizes.videos - start]
            file.readinto(block.data)
            yield block


def _means(path: Path, sizes: Sizes, clock: Clock) -> torch.Tensor:
    means = np.empty((sizes.videos, sizes.dimensions), np.float32)
    for number, clips in enumerate(_read_blocks(path, sizes)):
        clock.done("read")
        clips.mean(axis=1, out=means[number * VIDEOS_PER_BLOCK :][: len(clips)])
        clock.done("means")
    return torch.from_numpy(means)
