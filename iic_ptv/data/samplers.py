"""The order in which training meets the videos."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import DistributedSampler

from iic_ptv.data.randomness import ClipRequest
from iic_ptv.randomness import seed_of


class EpochBatches(DistributedSampler[list[ClipRequest]]):
    """Batches that ask for one clip of every video per epoch, in an order that hangs on seed and epoch alone.

    Nothing is left out: an epoch is cut into as few batches as ``batch_size`` allows, alike in size but for one clip.
    With full batches and a rest, the rest would either be dropped, and its rows of the memory banks not be renewed, or
    be a small batch with batch statistics of a few clips.

    Every process takes each ``num_replicas``-th video, so that together they visit all. They must take equally many:
    if the videos do not divide evenly, the first ones of the epoch, fewer than there are processes, come twice.

    Args:
        num_videos: number of videos in the collection.
        batch_size: clips per batch and process, at most.
        seed: seed of the orders.
        shuffle: draw a new order for every epoch; False: always 0, 1, 2, ...
        num_replicas: number of processes that train together.
        rank: which of them this is.

    Example:
        >>> batches = EpochBatches(5, batch_size=2, shuffle=False)
        >>> batches.set_epoch(7)
        >>> [[request.video_index for request in batch] for batch in batches], next(iter(batches))[0].epoch
        ([[0], [1, 2], [3, 4]], 7)
    """

    def __init__(
        self,
        num_videos: int,
        batch_size: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        num_replicas: int = 1,
        rank: int = 0,
    ) -> None:
        # Lightning recognises a DistributedSampler: it tells it the epoch, and puts none of its own around it.
        super().__init__(range(num_videos), num_replicas, rank, shuffle, seed)  # type: ignore[arg-type]
        self.num_videos = num_videos
        self.batch_size = batch_size
        self._skip = 0

    @property
    def num_repeated(self) -> int:
        """How many videos come twice per epoch, so that all processes take equally many."""
        return self.total_size - self.num_videos

    def skip_first(self, num_batches: int) -> None:
        """Let the next pass, and only that, begin after its first batches: where an interrupted epoch stopped."""
        self._skip = num_batches

    def __len__(self) -> int:
        return num_batches(self.num_samples, self.batch_size)

    def __iter__(self) -> Iterator[list[ClipRequest]]:
        epoch, order = self.epoch, self._order()
        skip, self._skip = self._skip, 0
        mine = [order[place % len(order)] for place in range(self.rank, self.total_size, self.num_replicas)]
        bounds = [len(mine) * number // len(self) for number in range(len(self) + 1)]
        for begin, end in zip(bounds[skip:], bounds[skip + 1 :], strict=False):
            yield [ClipRequest(epoch, video_index) for video_index in mine[begin:end]]

    def _order(self) -> list[int]:
        if not self.shuffle:
            return list(range(self.num_videos))
        generator = torch.Generator().manual_seed(seed_of(self.seed, self.epoch))
        return torch.randperm(self.num_videos, generator=generator).tolist()


def num_batches(num_clips: int, batch_size: int) -> int:
    """Number of batches of at most ``batch_size`` that so many clips make."""
    return -(-num_clips // batch_size)
