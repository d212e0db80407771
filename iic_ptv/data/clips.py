"""Clips of videos as map-style data sets, with PyTorchVideo's samples.

A sample is a dictionary: ``video`` (before the transform: uint8 RGB, ``(C, T, H, W)``), ``video_name``, ``video_index``
(the row in the memory banks), ``clip_index``, ``aug_index``, ``label`` (-1 for none), and ``augmentation_seed``, which
our transforms draw from. It depends on the seed, the video and the request alone, so that it is the same with any
number of worker processes, after an interruption, and whatever else is in the collection.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.clip_reader import Clip, ClipReader, ReadsClips
from iic_ptv.data.decoding import VideoError
from iic_ptv.data.index import VideoIndex
from iic_ptv.data.randomness import ClipRequest, reproducible
from iic_ptv.randomness import number_of, seed_of
from iic_ptv.transforms.pipelines import SEED_KEY
from iic_ptv.transforms.sampling import check_sampling, random_start, uniform_starts

Sample = dict[str, Any]
Transform = Callable[[Sample], Sample]

MAX_REPLACEMENTS = 10


class _VideoClips(Dataset[Any]):
    """What the data sets of clips share: making samples of clips."""

    def __init__(
        self,
        index: VideoIndex,
        reader: ReadsClips | None,
        transform: Transform | None,
        seed: int,
        bad_videos: BadVideoLog | None,
    ) -> None:
        self.index = index
        self.reader: ReadsClips = reader or ClipReader()
        self.transform = transform
        self.seed = seed
        self.bad_videos = bad_videos or BadVideoLog()

    def __len__(self) -> int:
        return len(self.index)

    def _sample(self, request: ClipRequest, clip: Clip, clip_number: int) -> Sample:
        """Make a sample of a clip and transform it; what is drawn depends on the video and the arguments alone."""
        video = self.index[request.video_index]
        key = request.epoch, number_of(video.key), clip_number, request.aug_index
        sample = {
            **clip,
            "video_name": video.name,
            "video_index": request.video_index,
            "clip_index": request.clip_index,
            "aug_index": request.aug_index,
            "label": video.label,
            SEED_KEY: seed_of(self.seed, *key),
        }
        if self.transform is None:
            return sample
        with reproducible(self.seed, *key):  # for transforms of others, which draw from the global generators
            return self.transform(sample)


class ClipDataset(_VideoClips):
    """Clips to train on: each starts at a random frame, drawn anew for every epoch.

    Args:
        index: the videos.
        reader: how clips are read; 16 consecutive frames of whatever size by default.
        transform: PyTorchVideo-style transform of the sample in the process that decodes; None: bytes as they are, to
            be transformed in batches on the device.
        clips_per_video: above 1, tensors of the sample are lists with one entry for each of so many clips of the video
            (IICv2 contrasts two); each clip has a start and a transform of its own.
        seed: seed of all that is drawn.
        bad_videos: where videos that cannot be read are recorded.

    An item is asked for by a :class:`ClipRequest`, or by the number of a video, which stands for epoch 0. In the
    place of a video that cannot be read comes another, with its own index, name and label.

    Raises:
        InputError: an option cannot be used.
        VideoError: from an item, if ten other videos cannot be read either.

    Example:
        >>> dataset = ClipDataset(class_folders("videos"), ClipReader(size=(128, 171)))  # doctest: +SKIP
        >>> dataset[ClipRequest(epoch=3, video_index=0)]["video"].shape  # doctest: +SKIP
        torch.Size([3, 16, 128, 171])
    """

    def __init__(
        self,
        index: VideoIndex,
        reader: ReadsClips | None = None,
        transform: Transform | None = None,
        *,
        clips_per_video: int = 1,
        seed: int = 0,
        bad_videos: BadVideoLog | None = None,
    ) -> None:
        super().__init__(index, reader, transform, seed, bad_videos)
        check_sampling(num_clips=clips_per_video)
        self.clips_per_video = clips_per_video

    def __getitem__(self, request: ClipRequest | int) -> Sample:
        if isinstance(request, int):
            request = ClipRequest(epoch=0, video_index=request)
        errors = []
        for candidate in self._candidates(request):
            try:
                return self._read(candidate)
            except VideoError as error:
                self.bad_videos.record(error.path, error.reason)
                errors.append(error)
        raise VideoError(
            f"None of {len(errors)} videos could be read; the collection looks broken. The last: {errors[-1]}"
        )

    def _read(self, request: ClipRequest) -> Sample:
        video = self.index[request.video_index]
        first = request.clip_index * self.clips_per_video
        numbers = range(first, first + self.clips_per_video)

        def starts(num_frames: int, stride: float) -> list[int]:
            seeds = (seed_of(self.seed, request.epoch, number_of(video.key), number) for number in numbers)
            generators = (torch.Generator().manual_seed(seed) for seed in seeds)
            return [random_start(num_frames, self.reader.clip_length, stride, each) for each in generators]

        clips = self.reader.read(video, starts)
        samples = [self._sample(request, clip, number) for clip, number in zip(clips, numbers, strict=True)]
        return samples[0] if self.clips_per_video == 1 else _gather(samples, list)

    def _candidates(self, request: ClipRequest) -> Iterator[ClipRequest]:
        """Yield the request, then requests for other videos, drawn without repeats."""
        yield request
        key = number_of(self.index[request.video_index].key)
        draws = random.Random(seed_of(self.seed, request.epoch, key))
        drawn = draws.sample(range(len(self)), min(len(self), MAX_REPLACEMENTS + 1))
        others = [row for row in drawn if row != request.video_index]
        yield from (request._replace(video_index=row) for row in others[:MAX_REPLACEMENTS])


class EvaluationClipDataset(_VideoClips):
    """Whole videos to evaluate on: clips spread evenly over each (the paper's test protocol).

    Args:
        index: the videos.
        reader: how clips are read; 16 consecutive frames of whatever size by default.
        transform: PyTorchVideo-style transform of a sample of one clip; None: bytes as they are.
        num_clips: clips per video, n.
        seed: seed of what the transform draws.
        bad_videos: where videos that cannot be read are recorded.

    An item is a sample with ``video`` of shape ``(n, C, T, H, W)``, decoded in one pass. Nothing replaces a video
    that cannot be read: its item is the :class:`VideoError`, which :meth:`collate` leaves out of the batch.

    Raises:
        InputError: an option cannot be used.
    """

    def __init__(
        self,
        index: VideoIndex,
        reader: ReadsClips | None = None,
        transform: Transform | None = None,
        *,
        num_clips: int = 10,
        seed: int = 0,
        bad_videos: BadVideoLog | None = None,
    ) -> None:
        super().__init__(index, reader, transform, seed, bad_videos)
        check_sampling(num_clips=num_clips)
        self.num_clips = num_clips

    def __getitem__(self, video_index: int) -> Sample | VideoError:
        try:
            clips = self.reader.read(self.index[video_index], self._starts)
        except VideoError as error:
            self.bad_videos.record(error.path, error.reason)
            return error
        request = ClipRequest(epoch=0, video_index=video_index)
        return _gather([self._sample(request, clip, number) for number, clip in enumerate(clips)], torch.stack)

    def _starts(self, num_frames: int, stride: float) -> list[int]:
        return uniform_starts(num_frames, self.reader.clip_length, stride, self.num_clips)

    @staticmethod
    def collate(items: Sequence[Sample | VideoError]) -> Sample:
        """The batch of the items that could be read; empty if none could."""
        samples = [item for item in items if not isinstance(item, VideoError)]
        return collate(samples) if samples else {}


def collate(samples: Sequence[Sample]) -> Sample:
    """A batch of samples. Seeds stay plain numbers: as tensors they would travel to the device, and back to be read."""
    seeds = [sample[SEED_KEY] for sample in samples]
    several = isinstance(seeds[0], list)  # one for each clip of a video: then a list for each clip
    batch = default_collate([{key: sample[key] for key in sample if key != SEED_KEY} for sample in samples])
    return {**batch, SEED_KEY: [list(each) for each in zip(*seeds, strict=True)] if several else seeds}


def _gather(samples: Sequence[Sample], join: Callable[[list[Tensor]], Any]) -> Sample:
    """One sample of several clips of a video: tensors are joined, seeds listed, all else is the first clip's."""
    joined = {key: join([each[key] for each in samples]) for key, value in samples[0].items() if torch.is_tensor(value)}
    return {**samples[0], **joined, SEED_KEY: [sample[SEED_KEY] for sample in samples]}
