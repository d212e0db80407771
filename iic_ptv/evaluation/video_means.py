"""Means over the clips of each video, which pass through networks in full batches, whatever videos they are of."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from iic_ptv.evaluation.forward_pass import CLIPS_PER_FORWARD, FULL_PRECISION, embed_clips


class ClipQueue:
    """Clips that wait until they are as many as pass through a network at once; never more than these wait."""

    def __init__(self) -> None:
        self._waiting: list[Tensor] = []

    def __len__(self) -> int:
        return sum(map(len, self._waiting))

    def add(self, clips: Tensor) -> Iterator[Tensor]:
        """Take clips ``(N, C, T, H, W)``, and give out those that fill a forward pass, with those that came before.

        Clips of another size than those that wait cannot fill up with them: these are given out as few as they are.
        """
        if self._waiting and self._waiting[0].shape[1:] != clips.shape[1:]:
            yield from self.rest()
        while len(clips) >= (missing := CLIPS_PER_FORWARD - len(self)):
            chunk = torch.cat([*self._waiting, clips[:missing]])
            self._waiting, clips = [], clips[missing:]
            yield chunk
        if len(clips):
            self._waiting.append(clips.clone())  # a part would keep all clips of its batch in memory

    def rest(self) -> Iterator[Tensor]:
        """Give out the clips that wait, if there are any."""
        if self._waiting:
            chunk = torch.cat(self._waiting)
            self._waiting = []
            yield chunk


class VideoMeans:
    """The mean features of videos in several views. Clips wait for those of the next videos to fill a forward pass.

    Args:
        networks: the network of every view, by its name, in eval mode.
        views: the views, which all read the same clips.
        precision: see :func:`~iic_ptv.evaluation.forward_pass.check_precision`.
    """

    def __init__(
        self, networks: Mapping[str, nn.Module], views: Mapping[str, nn.Module], precision: str = FULL_PRECISION
    ) -> None:
        self._networks = networks
        self._views = views
        self._precision = precision
        self._queue = ClipQueue()
        self._num_clips: deque[int] = deque()  # of the videos whose means are not known yet
        self._features: dict[str, list[Tensor]] = {name: [] for name in views}  # of the clips of these
        self._means: dict[str, list[Tensor]] = {name: [] for name in views}

    def add(self, videos: Tensor) -> None:
        """Take videos of n clips each, ``(B, n, C, T, H, W)``, in [0, 1], where the networks are."""
        self._num_clips.extend([videos.shape[1]] * len(videos))
        for chunk in self._queue.add(videos.flatten(0, 1)):
            self._embed(chunk)

    def finish(self) -> dict[str, Tensor]:
        """By view, the features of all videos, ``(N, D)`` float32 on the CPU, in the order in which they came."""
        for chunk in self._queue.rest():
            self._embed(chunk)
        return {name: torch.stack(means) for name, means in self._means.items()}

    def _embed(self, chunk: Tensor) -> None:
        for name, view in self._views.items():
            self._features[name].extend(embed_clips(self._networks[name], view, chunk, self._precision).cpu())
        known = len(next(iter(self._features.values())))
        while self._num_clips and self._num_clips[0] <= known:
            count = self._num_clips.popleft()
            known -= count
            for name, features in self._features.items():
                self._means[name].append(torch.stack(features[:count]).mean(dim=0))
                del features[:count]
