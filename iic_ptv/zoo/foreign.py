"""Networks of others under our names: torchvision's R3D-18, and what PyTorchVideo's trainer pre-trains.

Neither says in its file on what clips it was trained; what is given here are the recipes that they come with.
Everything here is a function of state dicts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.registry import BACKBONES
from iic_ptv.zoo.description import ClipFormat
from iic_ptv.zoo.loading import differences, in_words
from iic_ptv.zoo.weights_file import CLASSIFIER, Weights

TORCHVISION, TRAINER = "torchvision", "PyTorchVideo's trainer"  # who wrote a file
STEM_CHANNELS = 64  # of PyTorchVideo's ResNets
# The networks of one pathway that keep all their weights in blocks; the trainer's own recipes are of the first.
RESNETS = ("slow_r50", "c2d_r50", "i3d_r50", "csn_r101", "r2plus1d_r50")
# Where the trainer's modules have the network: before a projector, or alone.
TRAINER_PREFIXES = ("model.backbone.0.blocks.", "model.backbone.blocks.")
# What else they have: projector, momentum copy, predictor, classifier, queue, memory of the k-NN, loss and metrics.
TRAINER_REST = (
    *("model.backbone.1.", "model.backbone_mmt.", "model.predictor.", "model.mlp.", "queue_x", "ptr", "knn_memory."),
    *("loss.", "train_metrics.", "val_metrics.", "test_metrics."),
)


@dataclass(frozen=True, eq=False)
class ForeignNetwork:
    """A network of others under our names.

    Attributes:
        source: who wrote the file.
        backbone: its name in the registry BACKBONES.
        options: options with which that makes a network of the same shapes.
        weights: the backbone's state, with its ``classifier`` if the file has one.
        left_out: entries of the state that are no part of it.
        clip: what it sees by the recipe that it comes with.
        note: in what that recipe differs from ``clip``.
    """

    source: str
    backbone: str
    options: dict[str, Any]
    weights: Weights
    left_out: tuple[str, ...]
    clip: ClipFormat
    note: str


def source_of(state: Mapping[str, Tensor]) -> str:
    """Who wrote a state dict; empty if it is none that is known here."""
    if "stem.0.weight" in state:
        return TORCHVISION
    return TRAINER if any(name.startswith(TRAINER_PREFIXES) for name in state) else ""


def from_foreign(state: Mapping[str, Tensor], architecture: str | None = None) -> ForeignNetwork:
    """Translate a state dict of torchvision or of PyTorchVideo's trainer; every entry of it is accounted for.

    Args:
        state: without the prefix ``module.``.
        architecture: which network of ours it is; None: the one that fits.

    Raises:
        InputError: it is of neither, has entries that are not known, or fits no network of ours.
    """
    source = source_of(state)
    if not source:
        raise InputError(f"neither of {TORCHVISION} nor of {TRAINER}; the first of the weights is {next(iter(state))}.")
    return from_torchvision(state) if source == TORCHVISION else from_trainer(state, architecture)


def from_torchvision(state: Mapping[str, Tensor]) -> ForeignNetwork:
    """Translate ``torchvision.models.video.r3d_18``, whose classifier is ``fc``.

    Raises:
        InputError: it is of another one of torchvision's networks, or has other entries.
    """
    weights = {name.replace("fc.", CLASSIFIER) if name.startswith("fc.") else name: v for name, v in state.items()}
    bias = weights.get(f"{CLASSIFIER}bias")
    options = _in_channels(state["stem.0.weight"])
    with torch.device("meta"):
        network = BACKBONES.get("r3d_18")(num_classes=None if bias is None else len(bias), **options)
    if found := differences(network.state_dict(), weights):
        raise InputError(f"The weights look like torchvision's r3d_18, but they are not: {in_words(found)}.")
    return ForeignNetwork(
        TORCHVISION,
        "r3d_18",
        options,
        weights,
        (),
        ClipFormat(16, 1, (128, 171), 112, normalized=True, frame_rate=15.0),
        "torchvision normalises colours by the mean and deviation of Kinetics; here it is done by ImageNet's, which "
        "are near: the means differ by 0.06 of a colour's range at most.",
    )


def from_trainer(state: Mapping[str, Tensor], architecture: str | None = None) -> ForeignNetwork:
    """Translate what PyTorchVideo's trainer saves of SimCLR, MoCo v2 and BYOL: the network, not its momentum copy.

    Raises:
        InputError: there are entries that these do not have, or the network fits none of ours.
    """
    if architecture is not None and architecture not in RESNETS:
        raise InputError(f"{TRAINER} has no network '{architecture}' that is read here; choose {', '.join(RESNETS)}.")
    prefix = next(each for each in TRAINER_PREFIXES if any(name.startswith(each) for name in state))
    weights = {
        f"trunk.blocks.{name.removeprefix(prefix)}": value for name, value in state.items() if name.startswith(prefix)
    }
    left_out = tuple(name for name in state if name.startswith(TRAINER_REST))
    unknown = [name for name in state if not name.startswith((prefix, *TRAINER_REST))]
    if unknown:
        raise InputError(
            f"The weights look like those of {TRAINER}, but that has no {', '.join(unknown[:5])}"
            f"{f' (and {len(unknown) - 5} more)' if len(unknown) > 5 else ''}."
        )
    backbone, options = _fitting(weights, RESNETS if architecture is None else (architecture,))
    return ForeignNetwork(
        TRAINER,
        backbone,
        options,
        weights,
        left_out,
        ClipFormat(8, 8, (256, 341), 256, normalized=True, frame_rate=30.0),
        f"{TRAINER} takes 8 frames evenly from 2 seconds, and normalises colours by 0.45 and 0.225; here it is every "
        "eighth of 30 frames per second, and ImageNet's mean and deviation, which are near. Its frames keep their "
        "shape, here they are made 256 x 341.",
    )


def _fitting(weights: Mapping[str, Tensor], architectures: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The network whose names and shapes the weights have, and its options."""
    found: list[str] = []
    for architecture in architectures:
        for options in _possible_options(weights):
            with torch.device("meta"):
                network = BACKBONES.get(architecture)(**options)
            differing = differences(network.state_dict(), weights)
            if not differing:
                return architecture, options
        found.append(f"{architecture}: {in_words(differing)}")
    raise InputError(f"The weights of {TRAINER} fit none of {', '.join(architectures)}. {' '.join(found)}")


def _possible_options(weights: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    """What the first convolution tells; that it covers other frames than usual last."""
    first = weights.get("trunk.blocks.0.conv.weight")
    if first is None:
        yield {}
        return
    options = _in_channels(first)
    if len(first) != STEM_CHANNELS:
        options["stem_dim_out"] = len(first)
    yield options
    yield {**options, "stem_frames": first.shape[2]}


def _in_channels(conv: Tensor) -> dict[str, Any]:
    return {} if conv.shape[1] == 3 else {"in_channels": conv.shape[1]}
