"""From a whole video, decoded by whatever means, to the clips that a network is evaluated on."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from iic_ptv.errors import InputError
from iic_ptv.transforms.pipelines import CROP, FRAME_SIZE, evaluation_transform
from iic_ptv.transforms.sampling import check_sampling, clip_frames, fit_short, stride_at_rate, uniform_starts


class ClipTransform(nn.Module):
    """Clips spread evenly over a video, resized, cropped and scaled (the paper's test protocol).

    It has no parameters and draws nothing. Clips are those of :class:`~iic_ptv.data.clips.EvaluationClipDataset` and
    :func:`~iic_ptv.transforms.pipelines.evaluation_transform`, where the decoder leaves frames at their size: the
    commands let it scale them, which makes a grey level of difference. A video shorter than a clip starts again.

    Args:
        length: frames of a clip.
        stride: from one frame of a clip to the next.
        frame_size: ``(height, width)`` to which frames are resized, whatever their aspect.
        crop: side of the square that is cut out of their middle.
        normalized: take off ImageNet's mean and divide by its deviation; else clips are in [0, 1].
        frame_rate: frames per second to bring videos to before ``stride`` counts; 0 takes them as they are.
        num_clips: clips of a video.

    Raises:
        InputError: a number is not positive.

    Example:
        >>> transform = ClipTransform(length=16, num_clips=10)
        >>> transform(torch.randint(256, (3, 75, 240, 320), dtype=torch.uint8)).shape
        torch.Size([10, 3, 16, 112, 112])
    """

    def __init__(
        self,
        length: int = 16,
        stride: int = 1,
        frame_size: tuple[int, int] = FRAME_SIZE,
        crop: int = CROP,
        normalized: bool = False,
        frame_rate: float = 0.0,
        num_clips: int = 10,
    ) -> None:
        super().__init__()
        check_sampling(length, stride, num_clips)
        self.length = length
        self.stride = stride
        self.frame_rate = frame_rate
        self.num_clips = num_clips
        steps: Any = evaluation_transform(crop, frame_size, normalized).steps["video"]
        self.frames = nn.Sequential(*steps)

    def forward(self, video: Tensor, frame_rate: float = 0.0) -> Tensor:
        """Cut a video into clips.

        Args:
            video: RGB ``(3, T, H, W)``, uint8 or float in [0, 1], of any T, H and W.
            frame_rate: frames per second of the video, which counts only where the transform has a rate to bring it to.

        Returns:
            ``(num_clips, 3, length, crop, crop)`` of floats, in [0, 1] unless normalised.

        Raises:
            InputError: ``video`` is of another shape, type or value range, or its rate is needed and not given.
        """
        _check_video(video)
        stride = self._stride(frame_rate)
        num_frames = video.shape[1]
        starts = uniform_starts(num_frames, self.length, stride, self.num_clips)
        clips = torch.tensor([fit_short(clip_frames(start, self.length, stride), num_frames) for start in starts])
        needed, places = clips.unique(return_inverse=True)  # frames that clips share are resized once
        frames = self.frames(video[:, needed])
        return frames[:, places].transpose(0, 1).contiguous()

    def _stride(self, frame_rate: float) -> float:
        if not self.frame_rate:
            return self.stride
        if not frame_rate > 0:
            raise InputError(
                f"clip transform: clips are taken at {self.frame_rate:g} frames per second; tell the rate of the "
                "video: transform(video, frame_rate=...)."
            )
        return stride_at_rate(self.stride, frame_rate, self.frame_rate)

    def extra_repr(self) -> str:
        """Show the options that no step shows."""
        rate = f", frame_rate={self.frame_rate:g}" if self.frame_rate else ""
        return f"length={self.length}, stride={self.stride}, num_clips={self.num_clips}{rate}"


def _check_video(video: Tensor) -> None:
    if video.ndim != 4 or video.shape[0] != 3 or video.shape[1] == 0:
        raise InputError(
            f"clip transform: expected an RGB video (3, T, H, W) with at least one frame, got shape "
            f"{tuple(video.shape)}; frames (T, H, W, 3) are brought to it by .permute(3, 0, 1, 2)."
        )
    if video.dtype != torch.uint8 and not video.is_floating_point():
        raise InputError(f"clip transform: expected uint8 or floats in [0, 1], got {video.dtype}.")
    if video.is_floating_point() and (video.min() < 0 or video.max() > 1):
        raise InputError(
            f"clip transform: floats must be in [0, 1], got {video.min():g} to {video.max():g}; pass bytes as uint8."
        )
