"""Lightning's data module for training on clips of labelled videos, with others to validate on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from iic_ptv.data.clips import ClipDataset, EvaluationClipDataset, Sample
from iic_ptv.data.loaders import ClipLoader, worker_options
from iic_ptv.data.module import ClipDataModule


class RecognitionDataModule(ClipDataModule):
    """:class:`~iic_ptv.data.module.ClipDataModule` with a validation on several clips of each video.

    Args:
        train: the clips to train on.
        validation: the videos to validate on; None: no validation.
        transform: what happens to a training batch once it is on the device.
        validation_transform: likewise to a batch of validation.
        validation_batch_size: videos per batch of validation.
        options: as for :class:`~iic_ptv.data.module.ClipDataModule`.
    """

    def __init__(
        self,
        train: ClipDataset,
        validation: EvaluationClipDataset | None,
        transform: Callable[[Sample], Sample] | None = None,
        validation_transform: Callable[[Sample], Sample] | None = None,
        validation_batch_size: int = 8,
        **options: Any,
    ) -> None:
        super().__init__(train, transform=transform, **options)
        self.validation = validation
        self.validation_transform = validation_transform
        self.validation_batch_size = validation_batch_size

    def val_dataloader(self) -> ClipLoader | list[ClipLoader]:
        """Lightning's hook: the videos to validate on, of which every process takes its share."""
        if self.validation is None:
            return []
        rank, world_size = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        return _ShareLoader(
            self.validation,
            self.validation.bad_videos,
            batch_size=self.validation_batch_size,
            sampler=range(len(self.validation))[rank::world_size],
            collate_fn=self.validation.collate,
            **worker_options(self.num_workers, self.start_method),
        )

    def on_after_batch_transfer(self, batch: Sample, dataloader_idx: int) -> Sample:
        """Lightning's hook: transform the batch on the device."""
        if self.trainer is None or self.trainer.training:
            return super().on_after_batch_transfer(batch, dataloader_idx)
        return batch if self.validation_transform is None else self.validation_transform(batch)


class _ShareLoader(ClipLoader):
    """The batches of a process, of which there may be none.

    It promises one all the same: Lightning passes over the whole validation of a process that has none, and with it
    over where the processes add up what they have found.
    """

    def __len__(self) -> int:
        return max(super().__len__(), 1)
