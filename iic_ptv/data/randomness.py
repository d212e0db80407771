"""Randomness without state: what is drawn for a clip depends on its key alone.

Random streams that live in worker processes make a run depend on the number of workers and on where it was interrupted.
Here every draw is a pure function of (seed, epoch, video, clip, augmentation): nothing needs to be saved. A video is
known by its key, not by its row: its clips are the same whatever else is in the collection.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch

from iic_ptv.randomness import seed_of


class ClipRequest(NamedTuple):
    """One clip of one video in one epoch: what samplers ask data sets for."""

    epoch: int
    video_index: int
    clip_index: int = 0
    aug_index: int = 0


@contextmanager
def reproducible(seed: int, *key: int) -> Iterator[torch.Generator]:
    """Make everything that is drawn inside a pure function of ``seed`` and ``key``.

    Seeds the global CPU generators of torch, of NumPy and of ``random``, which are what the transforms of torchvision,
    PyTorchVideo and most others draw from, and puts them back afterwards.

    Yields:
        torch's default CPU generator, for code that takes one.

    Example:
        >>> with reproducible(0, 5):
        ...     first = torch.rand(1)
        >>> with reproducible(0, 5):
        ...     assert torch.rand(1) == first
    """
    # torch.manual_seed would reseed the GPUs as well, whose draws are none of the data's business.
    states = torch.default_generator.get_state(), random.getstate(), np.random.get_state()
    mixed = seed_of(seed, *key)
    torch.default_generator.manual_seed(mixed)
    random.seed(mixed)
    # The generator of `random` and NumPy's are the same; its words in the other order give another stream.
    np.random.seed([mixed >> 32, mixed & 0xFFFFFFFF])
    try:
        yield torch.default_generator
    finally:
        torch.default_generator.set_state(states[0])
        random.setstate(states[1])
        np.random.set_state(states[2])
