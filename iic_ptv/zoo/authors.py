"""The checkpoints of IIC's authors: their names for the layers of R3D, R(2+1)D and C3D, and ours.

Theirs are ``conv1.temporal_spatial_conv.weight``, ``conv2.block1.bn1.weight``, ``conv3.block1.downsampleconv...`` of
R3D, and ``conv2.blocks.0...`` of the second block of a stage; ``spatial_conv``, ``bn`` and ``temporal_conv`` within
each convolution of R(2+1)D; ``conv3a``, ``bn3a`` of C3D; all with a classifier called ``linear``. The second version
(IICv2) calls the network ``base_network`` and has a ``projector``. Everything here is a function of state dicts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.models import c3d, r2plus1d, r3d
from iic_ptv.models.backbone import Backbone
from iic_ptv.models.c3d import STAGE_CHANNELS as C3D_CHANNELS
from iic_ptv.models.layers import scale_channels
from iic_ptv.models.resnet3d import STAGE_CHANNELS
from iic_ptv.zoo.weights_file import CLASSIFIER, Weights

NETWORKS: dict[str, Callable[..., Backbone]] = {"r3d": r3d, "r2plus1d": r2plus1d, "c3d": c3d}
PREFIXES = ("module.", "base_network.")  # of data-parallel training, then of IICv2
PROJECTOR = "projector.mlp."

# Their names are ours with these replacements, in this order.
RESIDUAL = (
    (r"^stem\.bn\.", "bn1."),
    (r"^stem\.conv\.", "conv1."),
    (r"downsample\.0\.", "downsampleconv."),
    (r"downsample\.1\.", "downsamplebn."),
)
REPLACEMENTS = {
    "r3d": (*RESIDUAL, (r"(conv\d|downsampleconv)\.weight$", r"\1.temporal_spatial_conv.weight")),
    "r2plus1d": (*RESIDUAL, (r"\.(spatial|temporal)\.", r".\1_conv.")),
    "c3d": (),
}


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
    state = {_without_prefixes(name): value for name, value in content.items()}
    return state if len(state) == len(content) else None


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


def authors_names(backbone: str, blocks: Sequence[int]) -> dict[str, str]:
    """Their names for the state of a network and its classifier, by ours.

    Args:
        backbone: ``r3d``, ``r2plus1d`` or ``c3d``.
        blocks: of each stage; C3D has none.

    Example:
        >>> authors_names("r3d", (1, 1, 2, 1))["layer3.1.bn1.weight"]
        'conv4.blocks.0.bn1.weight'
    """
    options = {"blocks": blocks} if blocks else {}
    with torch.device("meta"):  # the least that has all the names
        network = NETWORKS[backbone](num_classes=1, width=1 / STAGE_CHANNELS[0], **options)
    return {name: _authors_name(name, backbone) for name in network.state_dict()}


def from_authors(state: Mapping[str, Tensor]) -> AuthorsNetwork:
    """Translate a state dict of the authors; every entry of it is accounted for.

    Args:
        state: as :func:`model_state` returns it.

    Raises:
        InputError: it is of none of the three networks, has entries that these do not have, or lacks some.

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
    blocks = [] if backbone == "c3d" else _blocks(state)
    names = authors_names(backbone, blocks)
    projector = {name.removeprefix(PROJECTOR): value for name, value in state.items() if name.startswith(PROJECTOR)}
    known = set(names.values())
    if unknown := [name for name in state if name not in known and not name.startswith(PROJECTOR)]:
        raise InputError(f"The weights look like the authors' {backbone}, but that has no {_listed(unknown)}.")
    with_classifier = any(theirs in state for ours, theirs in names.items() if ours.startswith(CLASSIFIER))
    wanted = {ours: theirs for ours, theirs in names.items() if with_classifier or not ours.startswith(CLASSIFIER)}
    if missing := [theirs for theirs in wanted.values() if theirs not in state]:
        raise InputError(f"The weights look like the authors' {backbone}, but they lack {_listed(missing)}.")
    weights = {ours: state[theirs] for ours, theirs in wanted.items()}
    return AuthorsNetwork(backbone, _options(backbone, weights, blocks), weights, projector)


def _authors_name(name: str, backbone: str) -> str:
    name = name.replace(CLASSIFIER, "linear.")
    if backbone == "c3d":  # stages of one convolution have no letter
        return re.sub(r"^layer(\d)\.(\d)\.(conv|bn)\.", _c3d_layer, name)
    name = re.sub(r"^layer(\d)\.(\d+)\.", _residual_block, name)
    for ours, theirs in REPLACEMENTS[backbone]:
        name = re.sub(ours, theirs, name)
    return name


def _c3d_layer(found: re.Match[str]) -> str:
    stage, number, part = found.groups()
    return f"{part}{stage}{'' if stage in '12' else 'ab'[int(number)]}."


def _residual_block(found: re.Match[str]) -> str:
    """Their second convolution is our first stage; further blocks are counted from 0."""
    stage, number = int(found[1]) + 1, int(found[2])
    return f"conv{stage}.block1." if number == 0 else f"conv{stage}.blocks.{number - 1}."


def _blocks(state: Mapping[str, Tensor]) -> list[int]:
    """Blocks of each stage: the first, and those that have a convolution."""
    further = {found.groups() for name in state if (found := re.match(r"conv([2-5])\.blocks\.(\d+)\.conv1\.", name))}
    return [1 + sum(number == str(stage) for number, _ in further) for stage in range(2, 6)]


def _options(backbone: str, weights: Weights, blocks: list[int]) -> dict[str, Any]:
    """What shapes and names tell beyond the defaults of the backbone."""
    full: Sequence[int] = C3D_CHANNELS if backbone == "c3d" else STAGE_CHANNELS
    last = "layer{}.0.bn.weight" if backbone == "c3d" else "layer{}.0.bn2.weight"
    channels = [len(weights[last.format(stage)]) for stage in range(1, len(full) + 1)]
    in_channels = next(value for value in weights.values() if value.ndim == 5).shape[1]
    options: dict[str, Any] = {} if channels == list(full) else {"width": _width(channels, full, backbone)}
    if in_channels != 3:
        options["in_channels"] = in_channels
    return {**options, "blocks": blocks} if any(count > 1 for count in blocks) else options


def _width(channels: Sequence[int], full: Sequence[int], backbone: str) -> float:
    """A factor that makes ``channels`` of those at full width, as rounding does."""
    lowest = max((count - 0.5) / whole for count, whole in zip(channels, full, strict=True))
    highest = min((count + 0.5) / whole for count, whole in zip(channels, full, strict=True))
    for width in (channels[-1] / full[-1], (lowest + highest) / 2):
        if scale_channels(full, width) == list(channels):
            return width
    raise InputError(
        f"The weights look like the authors' {backbone}, but their stages of {', '.join(map(str, channels))} channels "
        f"are not {', '.join(map(str, full))} times one factor."
    )


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:5])}{f' (and {len(names) - 5} more)' if len(names) > 5 else ''}"


def _without_prefixes(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name
