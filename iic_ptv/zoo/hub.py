"""What the functions of ``hubconf.py`` share: networks with or without published weights, and their clips.

Of other packages it needs torch, and torchvision for the networks that are torchvision's.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from torch import nn

from iic_ptv.errors import InputError
from iic_ptv.files.structured import to_json
from iic_ptv.models.backbone import Backbone
from iic_ptv.models.joint_views import JointViews, check_views
from iic_ptv.transforms.clip_transform import ClipTransform
from iic_ptv.zoo.catalogue import default_record
from iic_ptv.zoo.description import ClipFormat, NetworkDescription
from iic_ptv.zoo.download import download
from iic_ptv.zoo.fetch import weights_folder
from iic_ptv.zoo.loading import load_into
from iic_ptv.zoo.paths import local_path
from iic_ptv.zoo.weights import PublishedWeights, get_weights
from iic_ptv.zoo.weights_file import SUFFIXES, WeightsFile, check_hash_in_name, hash_in_name, read_weights

ZOO = "iic://"  # as the commands name checkpoints of the zoo; the name alone does here
# As in the registry BACKBONES, which needs more than torch.
ARCHITECTURES = {
    "r3d": "iic_ptv.models.r3d:r3d",
    "r2plus1d": "iic_ptv.models.r2plus1d:r2plus1d",
    "c3d": "iic_ptv.models.c3d:c3d",
    "r3d_18": "iic_ptv.models.torchvision_backbone:r3d_18",
    "s3d": "iic_ptv.models.torchvision_backbone:s3d",
}

Build = Callable[..., Backbone]
AnyWeights = str | Path | PublishedWeights


def hub_network(
    architecture: str,
    pretrained: bool = False,
    progress: bool = True,
    weights: AnyWeights | None = None,
    num_classes: int | None = None,
    features: str = "pooled",
    in_views: Sequence[str] | None = None,
    **options: Any,
) -> nn.Module:
    """Build a network, with published weights if they are asked for, in training mode as modules are.

    Args:
        architecture: one of :data:`ARCHITECTURES`.
        pretrained: load the default weights of the architecture.
        progress: show how far a download is.
        weights: load these: the name of a checkpoint of the zoo, with or without the architecture, a file, a URL, or
            what :func:`~iic_ptv.zoo.get_weights` gives. They win over ``pretrained``.
        num_classes: outputs of a classifier: that of the weights if it has as many, else a new one, of which a warning
            tells. None: features, also of weights that have a classifier.
        features: ``"pooled"`` or ``"map"``.
        in_views: views to make of RGB clips and to embed, see :class:`~iic_ptv.models.joint_views.JointViews`; None:
            clips are embedded as they come. Of weights with a network for each view, each view gets its own; without
            ``in_views`` it is that of the first view.
        options: those of the architecture; those of weights must not be contradicted.

    Raises:
        InputError: there are no such weights, they are damaged or of another network; or an option cannot be used.
    """
    build = _importer(architecture)
    _check_options(architecture, build, options)
    if in_views is not None:
        check_views(in_views)
    if weights is None and pretrained:
        weights = PublishedWeights(default_record(architecture))
    if weights is None:
        networks = [build(num_classes=num_classes, features=features, **options)]
    else:
        file = _read(weights, architecture, progress)
        _check_agreement(file.network, architecture, build, options)
        networks = [
            _loaded(build(num_classes=num_classes, features=features, **file.network.options), file, number)
            for number in _numbers(file.network, in_views)
        ]
    return networks[0] if in_views is None else JointViews(in_views, networks)


def hub_clip_transform(weights: AnyWeights | None = None, num_clips: int = 10) -> ClipTransform:
    """What turns a video into the clips that a network is evaluated on.

    Args:
        weights: those of the network, as for :func:`hub_network`, with the architecture in the name; the name of an
            architecture alone stands for its default weights. None: the paper's clips.
        num_clips: clips of a video.

    Raises:
        InputError: there are no such weights.
    """
    clip = {} if weights is None else vars(_clip_format(weights))  # it has the names of the arguments
    return ClipTransform(**clip, num_clips=num_clips)


def _importer(architecture: str) -> Build:
    module, function = ARCHITECTURES[architecture].split(":")
    return getattr(importlib.import_module(module), function)


def _clip_format(weights: AnyWeights) -> ClipFormat:
    if isinstance(weights, PublishedWeights):
        return weights.record.network.clip
    if weights in ARCHITECTURES:
        return default_record(str(weights)).network.clip
    if _is_url(weights) or _is_file(weights):
        return _read(weights, "", progress=True).network.clip
    return get_weights(str(weights).removeprefix(ZOO)).record.network.clip


def _read(weights: AnyWeights, architecture: str, progress: bool) -> WeightsFile:
    """The weights that are asked for, from wherever they are."""
    if isinstance(weights, PublishedWeights):
        return weights.load(progress)
    if _is_url(weights):
        return read_weights(_downloaded(str(weights), progress))
    if _is_file(weights):
        path = _local_path(weights)
        if path.is_file():
            check_hash_in_name(path)
        return read_weights(path)
    name = str(weights).removeprefix(ZOO)
    return get_weights(name if "." in name else f"{architecture}.{name}").load(progress)


def _is_url(weights: str | Path) -> bool:
    return urlparse(str(weights)).scheme in ("http", "https")


def _is_file(weights: str | Path) -> bool:
    """Whether a path is meant; names of checkpoints look otherwise."""
    if str(weights).startswith(ZOO):
        return False
    return isinstance(weights, Path) or Path(weights).suffix in SUFFIXES or Path(weights).is_file()


def _local_path(weights: str | Path) -> Path:
    """Where a file is; what is neither a path nor on the web is for iopath."""
    if "://" not in str(weights):
        return Path(weights)
    try:
        return local_path(weights)
    except ImportError as error:
        raise InputError(f"weights: to read {weights}, `pip install iopath`.") from error


def _downloaded(url: str, progress: bool) -> Path:
    name = Path(urlparse(url).path).name
    if not hash_in_name(name):
        raise InputError(
            f"weights: {url} does not end like NAME-1a2b3c4d.pth, with the first digits of the SHA-256 of the file, so "
            "what comes could not be checked; download it yourself if you trust it, and give its path."
        )
    return download(url, weights_folder() / name, progress=progress)


def _check_options(architecture: str, build: Build, options: Mapping[str, Any]) -> None:
    known = list(inspect.signature(build).parameters)
    if unknown := [name for name in options if name not in known]:
        raise InputError(f"{architecture}: there is no option '{unknown[0]}'; there are {', '.join(known)}, in_views.")


def _check_agreement(network: NetworkDescription, architecture: str, build: Build, options: Mapping[str, Any]) -> None:
    """Refuse weights of another architecture or of other options than those that the user names."""
    if network.architecture != architecture:
        raise InputError(f"weights: these are of {network.architecture}, not of {architecture}.")
    _check_options(architecture, build, network.options)
    defaults = {name: parameter.default for name, parameter in inspect.signature(build).parameters.items()}
    for name, value in options.items():
        theirs = {**defaults, **network.options}[name]
        if to_json(value) != to_json(theirs):  # of a file, tuples are lists
            raise InputError(
                f"{name}={value}: the weights are of {architecture} with {name}={theirs}; leave it out, or train anew."
            )


def _numbers(network: NetworkDescription, in_views: Sequence[str] | None) -> list[int]:
    """Which of the networks of a file are wanted."""
    if in_views is None or network.num_networks == 1:
        return [0]
    if others := [view for view in in_views if view not in network.views]:
        raise InputError(
            f"in_views: the weights have a network for each of {', '.join(network.views)}, and none for {others[0]}."
        )
    return [network.views.index(view) for view in in_views]


def _loaded(backbone: Backbone, weights: WeightsFile, number: int) -> Backbone:
    load_into(backbone, weights, backbone.num_classes, number)
    return backbone
