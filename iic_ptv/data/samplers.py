"""The order in which training meets the videos."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import DistributedSampler

from iic_ptv.data.randomness import ClipRequest
from iic_ptv.randomness import seed_of


class EpochSampler(DistributedSampler[ClipRequest]):
    """Asks for one clip of every video per epoch, in an order that depends on the seed and the epoch alone.

    Every process takes each ``num_replicas``-th video, so that together they visit all; if the videos do not divide
    evenly, the first ones of the epoch are visited again.

    Args:
        num_videos: number of videos in the collection.
        seed: seed of the orders.
        shuffle: draw a new order for every epoch; False: always 0, 1, 2, ...
        num_replicas: number of processes that train together.
        rank: which of them this is.

    Example:
        >>> sampler = EpochSampler(3, seed=0, shuffle=False)
        >>> sampler.set_epoch(7)
        >>> [request.video_index for request in sampler], next(iter(sampler)).epoch
        ([0, 1, 2], 7)
    """

    def __init__(
        self, num_videos: int, *, seed: int = 0, shuffle: bool = True, num_replicas: int = 1, rank: int = 0
    ) -> None:
        # Lightning recognises a DistributedSampler and does not put one of its own around it.
        super().__init__(range(num_videos), num_replicas, rank, shuffle, seed)  # type: ignore[arg-type]
        self.num_videos = num_videos
        self._skip = 0

    def skip_first(self, num_samples: int) -> None:
        """Let the next pass, and only that, begin after its first samples: where an interrupted epoch stopped."""
        self._skip = num_samples

    def __iter__(self) -> Iterator[ClipRequest]:
        order = self._order()
        mine = [order[place % len(order)] for place in range(self.rank, self.total_size, self.num_replicas)]
        epoch = self.epoch
        skip, self._skip = self._skip, 0
        yield from (ClipRequest(epoch, video_index) for video_index in mine[skip:])

    def _order(self) -> list[int]:
        if not self.shuffle:
            return list(range(self.num_videos))
        generator = torch.Generator().manual_seed(seed_of(self.seed, self.epoch))
        return torch.randperm(self.num_videos, generator=generator).tolist()
