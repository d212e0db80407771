"""Lightning's data module for training on clips."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch
from lightning import LightningDataModule

from iic_ptv.data.clips import ClipDataset, Sample
from iic_ptv.data.loaders import ClipLoader, train_loader
from iic_ptv.data.samplers import EpochBatches, num_batches
from iic_ptv.step_parts import TRANSFER, TRANSFORMS, step_part

logger = logging.getLogger(__name__)


class ClipDataModule(LightningDataModule):
    """Training batches of clips for ``lightning.Trainer``, on any number of processes, resumable anywhere.

    A run that resumes from a checkpoint goes on with the batch after the last one that it trained on,
    in the same order, without decoding what it skips.

    Args:
        train: the clips to train on.
        batch_size: clips per batch and process at most; see :class:`~iic_ptv.data.samplers.EpochBatches`.
        num_workers: processes that decode, for each training process.
        start_method: how they start, see :func:`~iic_ptv.data.loaders.worker_options`.
        transform: what happens to a batch once it is on the device, such as
            :func:`~iic_ptv.transforms.train_transform`; None: nothing.

    Example:
        >>> clips = ClipDataset(class_folders("videos"), ClipReader(size=(128, 171)))  # doctest: +SKIP
        >>> data = ClipDataModule(clips, batch_size=16, num_workers=4, transform=train_transform())  # doctest: +SKIP
        >>> lightning.Trainer(max_epochs=240).fit(task, datamodule=data)  # doctest: +SKIP
    """

    def __init__(
        self,
        train: ClipDataset,
        batch_size: int = 16,
        num_workers: int = 0,
        start_method: str | None = None,
        transform: Callable[[Sample], Sample] | None = None,
    ) -> None:
        super().__init__()
        self.train = train
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.start_method = start_method
        self.transform = transform

    def train_dataloader(self) -> ClipLoader:
        """Lightning's hook: the loader, at the place where training stands."""
        batches = self._batches(shuffle=True)
        epoch, done = self._progress()
        batches.set_epoch(epoch)
        batches.skip_first(done)
        return self._loader(batches)

    def fill_dataloader(self) -> ClipLoader:
        """Every video, in order: a first pass to fill memory banks from."""
        return self._loader(self._batches(shuffle=False))

    def transfer_batch_to_device(self, batch: Sample, device: torch.device, dataloader_idx: int) -> Sample:
        """Lightning's hook: bring the batch to the device."""
        with step_part(TRANSFER):
            return super().transfer_batch_to_device(batch, device, dataloader_idx)

    def on_after_batch_transfer(self, batch: Sample, dataloader_idx: int) -> Sample:
        """Lightning's hook: transform the batch on the device."""
        with step_part(TRANSFORMS):
            return batch if self.transform is None else self.transform(batch)

    def batches_per_epoch(self, world_size: int = 1) -> int:
        """Batches that each of ``world_size`` processes trains on in an epoch."""
        return num_batches(-(-len(self.train) // world_size), self.batch_size)

    def _loader(self, batches: EpochBatches) -> ClipLoader:
        return train_loader(self.train, batches, self.num_workers, self.start_method)

    def _batches(self, shuffle: bool) -> EpochBatches:
        rank, world_size = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        batches = EpochBatches(
            len(self.train),
            self.batch_size,
            seed=self.train.seed,
            shuffle=shuffle,
            num_replicas=world_size,
            rank=rank,
        )
        if rank == 0 and shuffle and batches.num_repeated:
            logger.warning("%d videos come twice per epoch, for equal shares of all processes.", batches.num_repeated)
        return batches

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
