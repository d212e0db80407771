"""A zoo of one small network, and what else the tests of torch.hub need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from iic_ptv.models import Backbone, r3d
from iic_ptv.zoo.catalogue import record_text
from iic_ptv.zoo.description import ClipFormat, NetworkDescription
from iic_ptv.zoo.record import Pretraining, PublishedFile, Record
from iic_ptv.zoo.weights_file import WeightsFile, sha256_of, write_weights

WIDTH = 0.0625
FEATURE_DIM = 32
CLIP = ClipFormat(length=4, stride=2, frame_size=(20, 24), crop=16)
NETWORK: dict[str, Any] = {
    "architecture": "r3d",
    "options": {"width": WIDTH},
    "views": ("rgb", "residual"),
    "clip": CLIP,
}


@dataclass(frozen=True)
class SmallZoo:
    """A zoo and its default network.

    Attributes:
        folder: the zoo.
        file: the weights, which come with it.
        network: what they are of.
    """

    folder: Path
    file: Path
    network: Backbone


def small_zoo(folder: Path) -> SmallZoo:
    """Write a zoo of the one checkpoint ``r3d.small``."""
    (network,) = small_networks()
    file = write_weights(folder / "weights", "r3d.small", weights_of([network]), ".pth")
    write_record(folder, "r3d.small", file, default=True)
    return SmallZoo(folder, file, network)


def small_networks(count: int = 1, num_classes: int | None = None) -> list[Backbone]:
    """Networks that differ from each other and from those of another count."""
    torch.manual_seed(count)
    return [r3d(num_classes, width=WIDTH) for _ in range(count)]


def weights_of(networks: list[Backbone]) -> WeightsFile:
    """What a file of their weights holds: of all views, or of one each."""
    network = NetworkDescription(**NETWORK, num_networks=len(networks))
    return WeightsFile(network, tuple(each.state_dict() for each in networks))


def write_record(folder: Path, name: str, file: Path, url: str = "", default: bool = False) -> None:
    """Add the record of a checkpoint to a zoo."""
    record = Record(
        name=name,
        title="small",
        network=NetworkDescription(**NETWORK),
        pretraining=Pretraining("IIC", "repeat", "nothing", "none", 0, 0),
        parameters=0,
        gflops=0.0,
        licence="Apache-2.0",
        files=(PublishedFile(file.name, file.stat().st_size, sha256_of(file), "float32", url),),
        default=default,
    )
    (folder / "records").mkdir(parents=True, exist_ok=True)
    (folder / "records" / f"{name}.json").write_text(record_text(record))


@torch.no_grad()
def embedded(network: torch.nn.Module, clips: torch.Tensor) -> torch.Tensor:
    """What a network makes of clips in evaluation."""
    return network.eval()(clips)
