"""Which frames make a clip: by frame number, as pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch

from iic_ptv.errors import InputError

Short = Literal["loop", "pad"]


def span(length: int, stride: int) -> int:
    """Number of frames from the first to the last of a clip, both included."""
    return (length - 1) * stride + 1


def consecutive(start: int, length: int, stride: int = 1) -> list[int]:
    """Frame numbers of a clip: ``length`` frames from ``start`` on, every ``stride``-th.

    Example:
        >>> consecutive(start=5, length=4, stride=2)
        [5, 7, 9, 11]
    """
    return list(range(start, start + length * stride, stride))


def random_start(num_frames: int, length: int, stride: int = 1, generator: torch.Generator | None = None) -> int:
    """First frame of a clip, drawn uniformly from those that let the whole clip fit; 0 if none does."""
    starts = max(num_frames - span(length, stride) + 1, 1)
    return int(torch.randint(starts, (), generator=generator))


def uniform_starts(num_frames: int, length: int, stride: int = 1, num_clips: int = 10) -> list[int]:
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
        short: "loop" starts the video again, "pad" stays at its last frame.

    Raises:
        InputError: ``short`` is neither.

    Example:
        >>> fit_short([0, 1, 2, 3, 4], num_frames=3, short="loop")
        [0, 1, 2, 0, 1]
        >>> fit_short([0, 1, 2, 3, 4], num_frames=3, short="pad")
        [0, 1, 2, 2, 2]
    """
    check_short(short)
    if short == "loop":
        return [index % num_frames for index in indices]
    return [min(index, num_frames - 1) for index in indices]


def check_clip(length: int, stride: int, num_clips: int = 1) -> None:
    """Raise an InputError unless a clip has frames, goes forward, and there is at least one."""
    for name, value in (("clip length", length), ("stride", stride), ("number of clips", num_clips)):
        if value < 1:
            raise InputError(f"The {name} must be at least 1, got {value}.")


def check_short(short: str) -> None:
    """Raise an InputError unless ``short`` is a way to treat short videos."""
    if short not in get_args(Short):
        raise InputError(f"short: there is no '{short}'; choose one of {', '.join(get_args(Short))}.")
