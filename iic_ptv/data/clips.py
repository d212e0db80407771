"""Clips of videos as map-style data sets, with PyTorchVideo's samples.

A sample is a dictionary: ``video`` (before the transform: uint8 RGB, ``(C, T, H, W)``), ``video_name``, ``video_index``
(the row in the memory banks), ``clip_index``, ``aug_index`` and ``label`` (-1 for none). It depends on the seed and
the request alone, so that it is the same with any number of worker processes and after an interruption.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.decoding import VideoError, open_video
from iic_ptv.data.decoding.opening import check_decoder
from iic_ptv.data.index import VideoIndex
from iic_ptv.data.randomness import ClipRequest, reproducible
from iic_ptv.data.sampling import Short, check_clip, check_short, consecutive, fit_short, random_start, uniform_starts

Sample = dict[str, Any]
Transform = Callable[[Sample], Sample]

MAX_REPLACEMENTS = 10


class _VideoClips(Dataset[Any]):
    """What the data sets of clips share: decoding clips, and making samples of them."""

    def __init__(
        self,
        index: VideoIndex,
        transform: Transform | None,
        clip_length: int,
        stride: int,
        seed: int,
        short: Short,
        decoder: str,
        size: tuple[int, int] | None,
        bad_videos: BadVideoLog | None,
    ) -> None:
        check_short(short)
        check_decoder(decoder)
        self.index = index
        self.transform = transform
        self.clip_length = clip_length
        self.stride = stride
        self.seed = seed
        self.short = short
        self.decoder = decoder
        self.size = size
        self.bad_videos = bad_videos or BadVideoLog()

    def __len__(self) -> int:
        return len(self.index)

    def _decode(self, video_index: int, choose_starts: Callable[[int], Sequence[int]]) -> list[Tensor]:
        """Decode clips ``(C, T, H, W)`` that start where ``choose_starts`` tells, given the number of frames.

        Frames that clips share are decoded once.
        """
        with open_video(self.index[video_index].path, self.decoder) as video:
            clips = [
                fit_short(consecutive(start, self.clip_length, self.stride), video.num_frames, self.short)
                for start in choose_starts(video.num_frames)
            ]
            needed = sorted({frame for clip in clips for frame in clip})
            pixels = video.frames(needed, self.size)
        place = {frame: number for number, frame in enumerate(needed)}
        return [pixels[:, [place[frame] for frame in clip]] for clip in clips]

    def _sample(self, request: ClipRequest, clip: Tensor, clip_number: int) -> Sample:
        """Make a sample of a clip and transform it; the draws of the transform depend on the arguments alone."""
        video = self.index[request.video_index]
        sample = {
            "video": clip,
            "video_name": video.name,
            "video_index": request.video_index,
            "clip_index": request.clip_index,
            "aug_index": request.aug_index,
            "label": video.label,
        }
        if self.transform is None:
            return sample
        with reproducible(self.seed, request.epoch, request.video_index, clip_number, request.aug_index):
            return self.transform(sample)


class ClipDataset(_VideoClips):
    """Clips to train on: each starts at a random frame, drawn anew for every epoch.

    Args:
        index: the videos.
        transform: PyTorchVideo-style transform of the sample; None: samples as they are.
        clip_length: frames per clip, T.
        stride: distance of a clip's frames in the video.
        clips_per_video: above 1, tensors of the sample are lists with one entry for each of so many clips of the video
            (IICv2 contrasts two); each clip has a start and a transform of its own.
        seed: seed of all that is drawn.
        short: what to do with videos shorter than a clip: "loop", or "pad" with the last frame.
        decoder: "auto", "decord" or "pyav".
        size: ``(height, width)`` that the decoder scales frames to; None keeps theirs.
        bad_videos: where videos that cannot be read are recorded.

    An item is asked for by a :class:`ClipRequest`, or by the number of a video, which stands for epoch 0. In the
    place of a video that cannot be read comes another, with its own index, name and label.

    Raises:
        InputError: an option cannot be used.
        VideoError: from an item, if ten other videos cannot be read either.

    Example:
        >>> dataset = ClipDataset(class_folders("videos"), size=(128, 171))  # doctest: +SKIP
        >>> dataset[ClipRequest(epoch=3, video_index=0)]["video"].shape  # doctest: +SKIP
        torch.Size([3, 16, 128, 171])
    """

    def __init__(
        self,
        index: VideoIndex,
        transform: Transform | None = None,
        *,
        clip_length: int = 16,
        stride: int = 1,
        clips_per_video: int = 1,
        seed: int = 0,
        short: Short = "loop",
        decoder: str = "auto",
        size: tuple[int, int] | None = None,
        bad_videos: BadVideoLog | None = None,
    ) -> None:
        super().__init__(index, transform, clip_length, stride, seed, short, decoder, size, bad_videos)
        check_clip(clip_length, stride, num_clips=clips_per_video)
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
        first = request.clip_index * self.clips_per_video
        numbers = range(first, first + self.clips_per_video)

        def starts(num_frames: int) -> list[int]:
            drawn = []
            for number in numbers:
                with reproducible(self.seed, request.epoch, request.video_index, number) as generator:
                    drawn.append(random_start(num_frames, self.clip_length, self.stride, generator))
            return drawn

        clips = self._decode(request.video_index, starts)
        samples = [self._sample(request, clip, number) for clip, number in zip(clips, numbers, strict=True)]
        return samples[0] if self.clips_per_video == 1 else _gather(samples, list)

    def _candidates(self, request: ClipRequest) -> Iterator[ClipRequest]:
        """Yield the request, then requests for other videos, drawn without repeats."""
        yield request
        with reproducible(self.seed, request.epoch, request.video_index):
            drawn = random.sample(range(len(self)), min(len(self), MAX_REPLACEMENTS + 1))
        others = [row for row in drawn if row != request.video_index]
        yield from (request._replace(video_index=row) for row in others[:MAX_REPLACEMENTS])


class EvaluationClipDataset(_VideoClips):
    """Whole videos to evaluate on: clips spread evenly over each (the paper's test protocol).

    Args:
        index: the videos.
        transform: PyTorchVideo-style transform of a sample of one clip; None: samples as they are.
        clip_length: frames per clip, T.
        stride: distance of a clip's frames in the video.
        num_clips: clips per video, n.
        seed: seed of what the transform draws.
        short: what to do with videos shorter than a clip: "loop", or "pad" with the last frame.
        decoder: "auto", "decord" or "pyav".
        size: ``(height, width)`` that the decoder scales frames to; None keeps theirs.
        bad_videos: where videos that cannot be read are recorded.

    An item is a sample with ``video`` of shape ``(n, C, T, H, W)``, decoded in one pass. Nothing replaces a video
    that cannot be read: its item is the :class:`VideoError`, which :meth:`collate` leaves out of the batch.

    Raises:
        InputError: an option cannot be used.
    """

    def __init__(
        self,
        index: VideoIndex,
        transform: Transform | None = None,
        *,
        clip_length: int = 16,
        stride: int = 1,
        num_clips: int = 10,
        seed: int = 0,
        short: Short = "loop",
        decoder: str = "auto",
        size: tuple[int, int] | None = None,
        bad_videos: BadVideoLog | None = None,
    ) -> None:
        super().__init__(index, transform, clip_length, stride, seed, short, decoder, size, bad_videos)
        check_clip(clip_length, stride, num_clips)
        self.num_clips = num_clips

    def __getitem__(self, video_index: int) -> Sample | VideoError:
        try:
            clips = self._decode(video_index, self._starts)
        except VideoError as error:
            self.bad_videos.record(error.path, error.reason)
            return error
        request = ClipRequest(epoch=0, video_index=video_index)
        return _gather([self._sample(request, clip, number) for number, clip in enumerate(clips)], torch.stack)

    def _starts(self, num_frames: int) -> list[int]:
        return uniform_starts(num_frames, self.clip_length, self.stride, self.num_clips)

    @staticmethod
    def collate(items: Sequence[Sample | VideoError]) -> Sample:
        """The batch of the items that could be read; empty if none could."""
        samples = [item for item in items if not isinstance(item, VideoError)]
        return default_collate(samples) if samples else {}


def _gather(samples: Sequence[Sample], join: Callable[[list[Tensor]], Any]) -> Sample:
    """One sample of several clips of a video: tensors are joined, everything else is the first clip's."""
    return {
        key: join([sample[key] for sample in samples]) if isinstance(value, Tensor) else value
        for key, value in samples[0].items()
    }
