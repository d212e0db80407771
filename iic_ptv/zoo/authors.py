"""The checkpoints of IIC's authors: their names for the layers of R3D, R(2+1)D and C3D, and ours.

Theirs are ``conv1.temporal_spatial_conv.weight``, ``conv2.block1.bn1.weight``, ``conv3.block1.downsampleconv...`` of
R3D, ``spatial_conv``, ``bn`` and ``temporal_conv`` within each convolution of R(2+1)D, and ``conv3a``, ``bn3a`` of C3D;
all with a classifier called ``linear``. The second version (IICv2) calls the network ``base_network`` and has a
``projector``. Everything here is a function of state dicts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from iic_ptv.errors import InputError

Weights = dict[str, Tensor]

STEM_CHANNELS = 64  # of all three networks at width 1
PREFIXES = ("module.", "base_network.")  # of data-parallel training, then of IICv2
PROJECTOR = "projector.mlp."

# What of a network's state belongs to a convolution or BatchNorm.
BATCH_NORM = r"(?P<last>weight|bias|running_mean|running_var|num_batches_tracked)"
# Every convolution of R3D is one layer there, every one of R(2+1)D four; here R3D's is the layer itself.
CONVOLUTIONS = {
    "r3d": {r"temporal_spatial_conv\.(?P<last>weight)": "{last}"},
    "r2plus1d": {
        r"spatial_conv\.(?P<last>weight)": "spatial.{last}",
        rf"bn\.{BATCH_NORM}": "bn.{last}",
        r"temporal_conv\.(?P<last>weight)": "temporal.{last}",
    },
}
C3D_STAGES = {"1": "1.0", "2": "2.0", "3a": "3.0", "3b": "3.1", "4a": "4.0", "4b": "4.1", "5a": "5.0", "5b": "5.1"}


@dataclass(frozen=True, eq=False)
class AuthorsNetwork:
    """A network of the authors under our names.

    Attributes:
        backbone: its name in the registry BACKBONES.
        options: options with which that makes a network of the same shapes.
        weights: the backbone's state, with its ``classifier`` if the file has one.
        projector: the state of the projection head (:class:`~iic_ptv.models.MLPProjection`) of IICv2, or nothing.
    """

    backbone: str
    options: dict[str, Any]
    weights: Weights
    projector: Weights


def model_state(content: Any) -> Weights | None:
    """The state dict of the network in the content of a file, without prefixes; None if there is none.

    Args:
        content: a state dict, or a dictionary with one under ``model`` or ``state_dict``.

    Example:
        >>> list(model_state({"model": {"module.bn1.weight": torch.ones(64)}, "epoch": 240}))
        ['bn1.weight']
    """
    for key in ("model", "state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not content:
        return None
    if not all(isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()):
        return None
    return {_without_prefixes(name): value for name, value in content.items()}


def is_authors(state: Mapping[str, Tensor]) -> bool:
    """Whether a state dict has the authors' names."""
    return backbone_of(state) is not None


def backbone_of(state: Mapping[str, Tensor]) -> str | None:
    """Which network it is, told by the name of its first convolution; None if by none of theirs."""
    first = {
        "conv1.temporal_spatial_conv.weight": "r3d",
        "conv1.temporal_conv.weight": "r2plus1d",
        "conv1.weight": "c3d",
    }
    return next((backbone for name, backbone in first.items() if name in state), None)


def from_authors(state: Mapping[str, Tensor]) -> AuthorsNetwork:
    """Translate a state dict of the authors; every entry of it is accounted for.

    Args:
        state: as :func:`model_state` returns it.

    Raises:
        InputError: it is of none of the three networks, or has entries that these do not have.

    Example:
        >>> network = from_authors(model_state(torch.load("r3d.pth", weights_only=True)))  # doctest: +SKIP
        >>> r3d(**network.options).load_state_dict(network.weights)  # doctest: +SKIP
    """
    backbone = backbone_of(state)
    if backbone is None:
        raise InputError(
            "These weights are not of a network of IIC's authors: none is called conv1.temporal_spatial_conv.weight "
            f"(R3D), conv1.temporal_conv.weight (R(2+1)D) or conv1.weight (C3D); the first is {next(iter(state), '')}."
        )
    rules = _rules(backbone)
    weights: Weights = {}
    projector: Weights = {}
    unknown: list[str] = []
    for name, value in state.items():
        if name.startswith(PROJECTOR):
            projector[name.removeprefix(PROJECTOR)] = value
        elif (ours := _translated(name, rules)) is not None:
            weights[ours] = value
        else:
            unknown.append(name)
    if unknown:
        raise InputError(
            f"The weights look like the authors' {backbone}, but that has no {', '.join(unknown[:5])}"
            f"{f' (and {len(unknown) - 5} more)' if len(unknown) > 5 else ''}."
        )
    return AuthorsNetwork(backbone, _options(backbone, weights), weights, projector)


def _without_prefixes(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _rules(backbone: str) -> dict[re.Pattern[str], str]:
    """Patterns of their names, and ours with the groups of the pattern to be filled in."""
    rules = {r"linear\.(?P<last>weight|bias)": "classifier.{last}"}
    if backbone == "c3d":
        for theirs, ours in C3D_STAGES.items():
            rules[rf"conv{theirs}\.(?P<last>weight|bias)"] = f"layer{ours}.conv.{{last}}"
            rules[rf"bn{theirs}\.{BATCH_NORM}"] = f"layer{ours}.bn.{{last}}"
    else:
        rules[rf"bn1\.{BATCH_NORM}"] = "stem.bn.{last}"
        for stage in range(1, 5):  # their second convolution is our first stage
            block = rf"conv{stage + 1}\.block1\."
            rules[rf"{block}bn(?P<n>[12])\.{BATCH_NORM}"] = f"layer{stage}.0.bn{{n}}.{{last}}"
            rules[rf"{block}downsamplebn\.{BATCH_NORM}"] = f"layer{stage}.0.downsample.1.{{last}}"
            for within, ours in CONVOLUTIONS[backbone].items():
                rules[rf"{block}conv(?P<n>[12])\.{within}"] = f"layer{stage}.0.conv{{n}}.{ours}"
                rules[rf"{block}downsampleconv\.{within}"] = f"layer{stage}.0.downsample.0.{ours}"
        for within, ours in CONVOLUTIONS[backbone].items():
            rules[rf"conv1\.{within}"] = f"stem.conv.{ours}"
    return {re.compile(theirs): ours for theirs, ours in rules.items()}


def _translated(name: str, rules: Mapping[re.Pattern[str], str]) -> str | None:
    for pattern, ours in rules.items():
        if found := pattern.fullmatch(name):
            return ours.format(**found.groupdict())
    return None


def _options(backbone: str, weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """What the shapes of the first convolution tell beyond the defaults of the backbone."""
    first, last = {
        "r3d": ("stem.conv.weight", "stem.conv.weight"),
        "r2plus1d": ("stem.conv.spatial.weight", "stem.conv.temporal.weight"),
        "c3d": ("layer1.0.conv.weight", "layer1.0.conv.weight"),
    }[backbone]
    in_channels, out_channels = weights[first].shape[1], weights[last].shape[0]
    options: dict[str, Any] = {} if out_channels == STEM_CHANNELS else {"width": out_channels / STEM_CHANNELS}
    return options if in_channels == 3 else {**options, "in_channels": in_channels}
