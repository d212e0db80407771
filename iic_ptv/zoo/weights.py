"""Checkpoints of the zoo as torchvision has its weights: a name, facts, a transform, and the weights themselves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from iic_ptv.zoo.catalogue import find_record, records
from iic_ptv.zoo.loading import in_float32
from iic_ptv.zoo.record import Record
from iic_ptv.zoo.weights_file import WeightsFile, read_weights

PTH = ".pth"  # that torch alone can read


@dataclass(frozen=True)
class PublishedWeights:
    """A checkpoint of the zoo.

    Attributes:
        record: all that is known of it.
    """

    record: Record

    @property
    def name(self) -> str:
        """``architecture.tag``."""
        return self.record.name

    @property
    def meta(self) -> dict[str, Any]:
        """The facts under torchvision's names, and some more; figures are in percent, by data, and by name and view."""
        record = self.record
        metrics: dict[str, dict[str, float]] = {}
        for metric in record.metrics:
            metrics.setdefault(metric.data, {})[f"{metric.name}, {metric.view}"] = metric.value
        return {
            "num_params": record.parameters,
            "categories": list(record.network.class_names),
            "views": list(record.network.views),
            "min_size": (record.network.clip.crop, record.network.clip.crop),
            "min_temporal_size": record.network.clip.length,
            "license": record.licence,
            "_metrics": metrics,
            "_ops": record.gflops,
            "_file_size": next((file.bytes / 1e6 for file in record.files if file.file.endswith(PTH)), None),
            "_docs": record.title,
        }

    def transforms(self, num_clips: int = 10) -> nn.Module:
        """What turns a video ``(C, T, H, W)`` into what the network is evaluated on.

        Args:
            num_clips: clips to take, spread evenly.

        Returns:
            A module from a video of bytes, or floats in [0, 1], to ``(num_clips, C, length, crop, crop)``. The views
            of these are still to be taken.
        """
        from iic_ptv.transforms.clip_transform import ClipTransform

        clip = self.record.network.clip
        return ClipTransform(
            clip.length, clip.stride, clip.frame_size, clip.crop, clip.normalized, clip.frame_rate, num_clips
        )

    def path(self, progress: bool = True) -> Path:
        """The ``.pth`` file on this machine, downloaded if need be, its hash checked.

        Raises:
            InputError: it cannot be had, or is not what was published.
        """
        from iic_ptv.zoo.fetch import fetch

        return fetch(self.record, suffix=PTH, progress=progress)

    def load(self, progress: bool = True) -> WeightsFile:
        """The weights, with how their network is built.

        Raises:
            InputError: as :meth:`path`.
        """
        return read_weights(self.path(progress))

    def get_state_dict(self, progress: bool = True, number: int = 0) -> dict[str, Tensor]:
        """The state of the backbone, in float32, with its ``classifier`` if it has one.

        Args:
            progress: show how far a download is.
            number: which network, where there is one for each view.

        Raises:
            InputError: as :meth:`path`.
        """
        return in_float32(self.load(progress).networks[number])


def get_weights(name: str) -> PublishedWeights:
    """A checkpoint of the zoo.

    Args:
        name: ``architecture.tag``, one of :func:`list_weights`.

    Raises:
        InputError: there is none of that name; the message lists all.

    Example:
        >>> from iic_ptv.zoo import get_weights
        >>> weights = get_weights("r3d.iic_procedural")  # doctest: +SKIP
        >>> video = torch.randint(256, (3, 32, 96, 128), dtype=torch.uint8)  # doctest: +SKIP
        >>> clips = weights.transforms()(video)  # doctest: +SKIP
        >>> r3d().load_state_dict(weights.get_state_dict())  # doctest: +SKIP
    """
    return PublishedWeights(find_record(name))


def list_weights(architecture: str | None = None) -> list[str]:
    """Names of the checkpoints whose weights can be had, of one architecture or of all."""
    return [
        name
        for name, record in records().items()
        if record.files and architecture in (None, record.network.architecture)
    ]
