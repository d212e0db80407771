"""What must be known of a network to build it, and to give it what it was trained on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ClipFormat:
    """What a network is given of a video in evaluation.

    Attributes:
        length: frames of a clip.
        stride: from one frame of a clip to the next.
        frame_size: height and width to which frames are resized.
        crop: side of the square that is cut out of their middle.
        normalized: whether ImageNet's mean and deviation are taken off; else clips are in [0, 1].
        frame_rate: frames per second to bring videos to before ``stride`` counts; 0 leaves them.
    """

    length: int
    stride: int
    frame_size: tuple[int, int]
    crop: int
    normalized: bool = False
    frame_rate: float = 0.0


@dataclass(frozen=True)
class NetworkDescription:
    """A network: how it is built and what it sees.

    Attributes:
        architecture: its name in the registry BACKBONES.
        options: with which it is built, such as ``{"width": 0.5}``; without ``num_classes`` and ``features``.
        views: names in the registry VIEWS that it was trained on.
        clip: what it is given in evaluation.
        num_networks: 1 for a network that all views share; else one for each view, in order.
        class_names: what its classifier tells apart, in the order of its outputs; none if that is not known.
    """

    architecture: str
    options: dict[str, Any]
    views: tuple[str, ...]
    clip: ClipFormat
    num_networks: int = 1
    class_names: tuple[str, ...] = field(default=())
