"""What a folder of procedural videos holds: its parameters and, following from them, its videos and lists."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from iic_ptv.data.procedural.motions import MOTIONS
from iic_ptv.errors import InputError

RENDERER_VERSION = 1
"""Raise it when the same parameters no longer give the same videos, so that old files are not taken for new ones."""


@dataclass(frozen=True)
class ProceduralVideo:
    """One video of a collection; its look depends on the collection's seed, its motion and its number alone."""

    motion: str
    number: int
    """From 1. As in UCF101 the test videos come first, so they stay the same when the training set grows."""

    @property
    def path(self) -> str:
        """UCF101's name for it, with a group of its own for every video, as no two share anything."""
        return f"{self.motion}/v_{self.motion}_g{self.number:02d}_c01.mp4"

    def seed(self, collection_seed: int) -> int:
        """Seed of the video's random numbers."""
        key = f"{collection_seed} {self.motion} {self.number}"
        return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=7).digest(), "big")


@dataclass(frozen=True)
class Collection:
    """The parameters of a folder of procedural videos.

    Raises:
        InputError: a parameter is out of its range; the message names it.
    """

    motions: tuple[str, ...]
    train_per_class: int
    test_per_class: int
    num_frames: int
    size: tuple[int, int]
    frame_rate: int
    seed: int
    renderer_version: int = RENDERER_VERSION
    appearances: int | None = None
    """How many looks there are; None: each video has its own."""

    def __post_init__(self) -> None:
        if not self.motions or len(set(self.motions)) < len(self.motions):
            raise InputError("motions: expected a list of different motions, one at least.")
        for motion in self.motions:
            if motion not in MOTIONS:
                near = difflib.get_close_matches(motion, MOTIONS, n=2)
                hint = f" Did you mean {' or '.join(near)}?" if near else ""
                raise InputError(f"motions: there is no '{motion}'.{hint} There are: {', '.join(MOTIONS)}.")
        lowest = {"train_per_class": 0, "test_per_class": 0, "num_frames": 1, "frame_rate": 1}
        for name, limit in lowest.items():
            if getattr(self, name) < limit:
                raise InputError(f"{name}: expected {limit} or more, got {getattr(self, name)}.")
        if self.appearances is not None and self.appearances < 1:
            raise InputError(f"appearances: expected 1 or more, got {self.appearances}.")
        if self.train_per_class + self.test_per_class == 0:
            raise InputError("train_per_class, test_per_class: both are 0, there is nothing to render.")
        if min(self.size) < 16 or any(side % 2 for side in self.size):
            raise InputError(
                f"size: expected even numbers of pixels from 16 up (H.264 halves the chroma), got {self.size}."
            )

    def videos(self) -> Iterator[ProceduralVideo]:
        """All videos, test and training."""
        for motion in self.motions:
            for number in range(1, self.test_per_class + self.train_per_class + 1):
                yield ProceduralVideo(motion, number)

    def look(self, video: ProceduralVideo) -> int:
        """Seed of what a video shows beside its motion: its own, or one of a few that all motions have in common."""
        return video.seed(self.seed) if self.appearances is None else video.number % self.appearances

    def lists(self) -> dict[str, str]:
        """File name and content of the lists, in the format of UCF101's ``ucfTrainTestlist``."""
        labels = {motion: label for label, motion in enumerate(self.motions, start=1)}
        test = [video for video in self.videos() if video.number <= self.test_per_class]
        train = [video for video in self.videos() if video.number > self.test_per_class]
        return {
            "classInd.txt": "".join(f"{label} {motion}\n" for motion, label in labels.items()),
            "trainlist01.txt": "".join(f"{video.path} {labels[video.motion]}\n" for video in train),
            "testlist01.txt": "".join(f"{video.path}\n" for video in test),
        }

    def differences(self, other: dict[str, object]) -> list[str]:
        """Say which parameters differ from those that :func:`dataclasses.asdict` gave for another collection."""
        return [
            f"{name} {other.get(name)} there, {value} asked for"
            for name, value in dataclasses.asdict(self).items()
            if (list(value) if isinstance(value, tuple) else value) != other.get(name)
        ]
