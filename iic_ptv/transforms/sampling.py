"""Which frames make a clip: by frame number, as pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch

from iic_ptv.errors import InputError

Short = Literal["loop", "pad", "refuse"]


def span(length: int, stride: float) -> int:
    """Number of frames of the video from the first to the last of a clip, both included."""
    return int((length - 1) * stride) + 1


def clip_frames(start: int, length: int, stride: float = 1) -> list[int]:
    """Frame numbers of a clip: ``length`` frames from ``start`` on, every ``stride``-th, rounded down.

    Example:
        >>> clip_frames(start=5, length=4, stride=2)
        [5, 7, 9, 11]
        >>> clip_frames(start=0, length=4, stride=1.2)  # 25 frames per second out of 30
        [0, 1, 2, 3]
    """
    return [start + int(number * stride) for number in range(length)]


def stride_at_rate(stride: int, video_rate: float, target_rate: float) -> float:
    """The stride that takes every ``stride``-th frame of a video as if it had ``target_rate`` frames per second.

    Example:
        >>> stride_at_rate(1, video_rate=30, target_rate=15)
        2.0
    """
    return stride * video_rate / target_rate


def random_start(num_frames: int, length: int, stride: float = 1, generator: torch.Generator | None = None) -> int:
    """First frame of a clip, drawn uniformly from those that let the whole clip fit; 0 if none does."""
    starts = max(num_frames - span(length, stride) + 1, 1)
    return int(torch.randint(starts, (), generator=generator))


def uniform_starts(num_frames: int, length: int, stride: float = 1, num_clips: int = 10) -> list[int]:
    """First frames of clips spread evenly from the begin of a video to its end (the paper's test protocol).

    With a clip of T frames in a video of L: ``linspace(T/2, L - T/2, num_clips) - T/2``, rounded down. The first
    clip starts at frame 0 and the last ends with the video; a video shorter than a clip gives zeros.

    Example:
        >>> uniform_starts(num_frames=100, length=16, num_clips=4)
        [0, 28, 56, 84]
    """
    last = max(num_frames - span(length, stride), 0)
    return [last * clip // max(num_clips - 1, 1) for clip in range(num_clips)]


def fit_short(indices: Sequence[int], num_frames: int, short: Short = "loop") -> list[int]:
    """Bring the frame numbers of a clip that outlasts its video back into the video.

    Args:
        indices: frame numbers, 0 or more.
        num_frames: number of frames in the video.
        short: "loop" starts the video again, "pad" stays at its last frame, "refuse" takes no such video.

    Raises:
        InputError: ``short`` is none of these, or such a video is refused.

    Example:
        >>> fit_short([0, 1, 2, 3, 4], num_frames=3, short="loop")
        [0, 1, 2, 0, 1]
        >>> fit_short([0, 1, 2, 3, 4], num_frames=3, short="pad")
        [0, 1, 2, 2, 2]
    """
    check_short(short)
    if short == "loop":
        return [index % num_frames for index in indices]
    if short == "refuse" and max(indices) >= num_frames:
        raise InputError(f"it has {num_frames} frames, fewer than the {max(indices) + 1} that a clip spans")
    return [min(index, num_frames - 1) for index in indices]


def check_sampling(length: int = 1, stride: int = 1, num_clips: int = 1) -> None:
    """Raise an InputError unless a clip has frames, goes forward, and there is at least one."""
    for name, value in (("clip length", length), ("stride", stride), ("number of clips", num_clips)):
        if value < 1:
            raise InputError(f"The {name} must be at least 1, got {value}.")


def check_short(short: str) -> None:
    """Raise an InputError unless ``short`` is a way to treat short videos."""
    if short not in get_args(Short):
        raise InputError(f"short: there is no '{short}'; choose one of {', '.join(get_args(Short))}.")
