"""Lightning's data module for training on clips."""

from __future__ import annotations

import logging
import math
from typing import Any

from lightning import LightningDataModule
from torch.utils.data import DataLoader

from iic_ptv.data.clips import ClipDataset
from iic_ptv.data.loaders import ResumableLoader, train_loader, worker_options
from iic_ptv.data.samplers import EpochSampler

logger = logging.getLogger(__name__)


class ClipDataModule(LightningDataModule):
    """Training batches of clips for ``lightning.Trainer``, on any number of processes, resumable anywhere.

    A run that resumes from a checkpoint goes on with the batch after the last one that it trained on,
    in the same order, without decoding what it skips.

    Args:
        train: the clips to train on.
        batch_size: clips per batch and process; fewer, with a warning, if a process has not as many videos.
        num_workers: processes that decode, for each training process.
        start_method: how they start, see :func:`~iic_ptv.data.loaders.worker_options`.

    Example:
        >>> clips = ClipDataset(class_folders("videos"), train_transform())  # doctest: +SKIP
        >>> data = ClipDataModule(clips, batch_size=16, num_workers=4)  # doctest: +SKIP
        >>> lightning.Trainer(max_epochs=240).fit(task, datamodule=data)  # doctest: +SKIP
    """

    def __init__(
        self, train: ClipDataset, batch_size: int = 16, num_workers: int = 0, start_method: str | None = None
    ) -> None:
        super().__init__()
        self.train = train
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.start_method = start_method

    def train_dataloader(self) -> ResumableLoader:
        """Lightning's hook: the loader, at the place where training stands."""
        sampler = self._sampler(shuffle=True)
        batch_size = self._fitting_batch_size(len(sampler))
        epoch, num_batches = self._progress()
        sampler.set_epoch(epoch)
        sampler.skip_first(num_batches * batch_size)
        return train_loader(self.train, sampler, batch_size, self.num_workers, self.start_method)

    def fill_dataloader(self) -> DataLoader[Any]:
        """Every video, in order: a first pass to fill memory banks from. The first ones come again to fill a batch."""
        requests = list(self._sampler(shuffle=False))
        batch_size = min(len(requests), self.batch_size)
        requests += requests[: -len(requests) % batch_size]
        return DataLoader(
            self.train, batch_size, sampler=requests, **worker_options(self.num_workers, self.start_method)
        )

    def batches_per_epoch(self, world_size: int = 1) -> int:
        """Batches that each of ``world_size`` processes trains on in an epoch."""
        videos_per_process = math.ceil(len(self.train) / world_size)
        return videos_per_process // min(videos_per_process, self.batch_size)

    def _sampler(self, shuffle: bool) -> EpochSampler:
        rank, world_size = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        return EpochSampler(len(self.train), seed=self.train.seed, shuffle=shuffle, num_replicas=world_size, rank=rank)

    def _fitting_batch_size(self, num_videos: int) -> int:
        if num_videos < self.batch_size:
            logger.warning(
                "There are %d videos for each process, fewer than the batch size %d: batches have %d.",
                num_videos, self.batch_size, num_videos,
            )  # fmt: skip
        return min(num_videos, self.batch_size)

    def _progress(self) -> tuple[int, int]:
        """The epoch that training stands in, and the number of its batches that it is done with.

        Lightning sets the epoch of the sampler itself, yet on resuming only after worker processes have begun to fetch.
        """
        if self.trainer is None:
            return 0, 0
        fit_loop: Any = self.trainer.fit_loop  # its counters are annotated with a base class that lacks most of them
        epochs = fit_loop.epoch_progress.current
        batches = fit_loop.epoch_loop.batch_progress
        if epochs.started == epochs.processed:
            return epochs.processed, 0
        if batches.is_last_batch:
            return epochs.processed + 1, 0
        return epochs.processed, batches.current.processed
