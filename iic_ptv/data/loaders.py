"""Data loaders: batches from worker processes, and what becomes of videos that cannot be read."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.clips import ClipDataset, EvaluationClipDataset, Sample, collate
from iic_ptv.data.deaf_to_ctrl_c import deaf_to_ctrl_c
from iic_ptv.data.randomness import ClipRequest
from iic_ptv.data.samplers import EpochBatches
from iic_ptv.errors import InputError
from iic_ptv.step_parts import DATA_WAIT, step_part


class ClipLoader(DataLoader[Any]):
    """A data loader that knows how long it was waited for, and ends a run whose collection is broken.

    Args:
        dataset: the clips.
        bad_videos: the log in which the data set's processes note what they cannot read.
        options: as for :class:`torch.utils.data.DataLoader`.

    Attributes:
        seconds_waited: time that whoever iterates has waited for batches so far.

    Raises:
        InputError: from iterating, if a greater share of the videos than the log of bad videos allows cannot be read,
            or if a worker process died.
    """

    def __init__(self, dataset: Dataset[Any], bad_videos: BadVideoLog, **options: Any) -> None:
        super().__init__(dataset, **options)
        self.bad_videos = bad_videos
        self.seconds_waited = 0.0

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        with deaf_to_ctrl_c():  # or the processes would end in the middle of the step that a run stops after
            batches = super().__iter__()
        while (batch := self._next(batches)) is not None:
            self.bad_videos.check_share()
            if batch:  # of the videos of an evaluation batch, maybe none could be read
                yield batch

    def _next(self, batches: Iterator[Any]) -> Any:
        began = time.perf_counter()
        try:
            with step_part(DATA_WAIT):
                return next(batches, None)
        except RuntimeError as error:
            if "DataLoader worker (pid" in str(error):
                raise InputError(_obituary(error)) from error
            raise
        finally:
            self.seconds_waited += time.perf_counter() - began

    def state_dict(self) -> dict[str, Any]:
        """Nothing: Lightning asks loaders that can resume for their state.

        There is none to keep: which batch of which epoch comes next is in Lightning's own checkpoint, and
        :class:`~iic_ptv.data.module.ClipDataModule` hands it to the sampler.
        """
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Do nothing."""


class _Batches(Dataset[Sample]):
    """Clips asked for by the batch, so that a sampler of batches is the loader's sampler, where Lightning looks."""

    def __init__(self, clips: ClipDataset) -> None:
        self.clips = clips

    def __getitem__(self, requests: list[ClipRequest]) -> Sample:
        return collate([self.clips[request] for request in requests])


def train_loader(
    dataset: ClipDataset, batches: EpochBatches, num_workers: int = 0, start_method: str | None = None
) -> ClipLoader:
    """Batches to train on.

    Args:
        dataset: the clips.
        batches: which clips, in which order.
        num_workers: processes that decode; 0 decodes in this one. What comes out is the same.
        start_method: see :func:`worker_options`.
    """
    options = worker_options(num_workers, start_method)
    return ClipLoader(_Batches(dataset), dataset.bad_videos, sampler=batches, batch_size=None, **options)


def evaluation_loader(
    dataset: EvaluationClipDataset,
    batch_size: int = 1,
    num_workers: int = 0,
    start_method: str | None = None,
    rows: Sequence[int] | None = None,
) -> ClipLoader:
    """Batches of all videos that can be read, in order; ``video`` is ``(B, n, C, T, H, W)``.

    Args:
        dataset: the videos.
        batch_size: videos per batch.
        num_workers: processes that decode; 0 decodes in this one. What comes out is the same.
        start_method: see :func:`worker_options`.
        rows: which videos, of those of the data set; None: all.
    """
    return ClipLoader(
        dataset,
        dataset.bad_videos,
        batch_size=batch_size,
        sampler=rows,
        collate_fn=dataset.collate,
        **worker_options(num_workers, start_method),
    )


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


def _obituary(error: RuntimeError) -> str:
    """What to tell of a worker process that died; PyTorch has the signal that ended it in the error or in its cause."""
    by_signal = re.search(r"is killed by signal: ([\w ]+)", f"{error} {error.__cause__}")
    if by_signal and by_signal[1] == signal.strsignal(signal.SIGKILL):
        return (
            "A process that decodes videos was killed from outside, most likely because memory ran out: "
            "use fewer of them (DATA.NUM_WORKERS) or smaller batches (OPTIM.BATCH_SIZE), or ask for more memory."
        )
    return (
        f"A process that decodes videos died ({by_signal[1] if by_signal else 'it exited'}), most likely on a damaged "
        "file: `iic check-data` finds such files, and later runs pass them over."
    )
