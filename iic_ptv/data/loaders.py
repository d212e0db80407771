"""Data loaders: batches from worker processes, and what becomes of videos that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader

from iic_ptv.data.clips import ClipDataset, EvaluationClipDataset
from iic_ptv.data.samplers import EpochSampler


class ResumableLoader(DataLoader[Any]):
    """A data loader that starts where its sampler is told to.

    Lightning asks loaders that can resume for their state. There is none to keep: which batch of which epoch comes
    next is in Lightning's own checkpoint, and :class:`~iic_ptv.data.module.ClipDataModule` hands it to the sampler.
    """

    def state_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Do nothing."""


class ReadableBatches(DataLoader[Any]):
    """A data loader that passes over batches in which no video could be read."""

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        return (batch for batch in super().__iter__() if batch)


def train_loader(
    dataset: ClipDataset,
    sampler: EpochSampler,
    batch_size: int,
    num_workers: int = 0,
    start_method: str | None = None,
) -> ResumableLoader:
    """Full batches to train on, in the sampler's order.

    Args:
        dataset: the clips.
        sampler: which clips, in which order.
        batch_size: clips per batch; what is left at the end of an epoch and does not fill one is not used.
        num_workers: processes that decode; 0 decodes in this one. What comes out is the same.
        start_method: see :func:`worker_options`.
    """
    return ResumableLoader(
        dataset, batch_size, sampler=sampler, drop_last=True, **worker_options(num_workers, start_method)
    )


def evaluation_loader(
    dataset: EvaluationClipDataset, batch_size: int = 1, num_workers: int = 0, start_method: str | None = None
) -> ReadableBatches:
    """Batches of all videos that can be read, in order; ``video`` is ``(B, n, C, T, H, W)``.

    Args:
        dataset: the videos.
        batch_size: videos per batch.
        num_workers: processes that decode; 0 decodes in this one. What comes out is the same.
        start_method: see :func:`worker_options`.
    """
    return ReadableBatches(dataset, batch_size, collate_fn=dataset.collate, **worker_options(num_workers, start_method))


def worker_options(num_workers: int, start_method: str | None = None) -> dict[str, Any]:
    """Options of a :class:`torch.utils.data.DataLoader` for worker processes.

    Args:
        num_workers: number of processes.
        start_method: "fork", "forkserver" or "spawn"; None: Python's default, "fork" on Linux up to Python 3.13.
            Forking is safe here, as no decoder is open, and no decoding thread alive, while no item is being read;
            and it takes milliseconds where the others import torch again in every worker, which takes seconds.
    """
    return {
        "num_workers": num_workers,
        "multiprocessing_context": start_method if num_workers else None,
        "persistent_workers": num_workers > 0,
        "pin_memory": torch.cuda.is_available(),
        # A generator of its own: a data loader otherwise draws a seed from torch's default one, once per epoch.
        "generator": torch.Generator().manual_seed(0),
    }
