"""Features of videos in a file, to be used again without decoding a video or asking a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from iic_ptv.errors import InputError
from iic_ptv.evaluation.features import VideoFeatures
from iic_ptv.files.atomic import atomic_write
from iic_ptv.files.tensor_file import pack_strings, read_description, read_tensors, unpack_strings, write_tensors

EXTENSION = ".safetensors"
FORMAT = "iic_ptv features 1"
VIEW = "view."  # prefix of the features of a view


@dataclass(frozen=True, eq=False)
class FeatureFile:
    """What a feature file holds.

    Attributes:
        views: the features by view, of the same videos in the same order.
        config: the configuration of the run that extracted them, as YAML.
        fingerprint: which networks it was, see :func:`~iic_ptv.models.fingerprint.fingerprint`.
    """

    views: dict[str, VideoFeatures]
    config: str
    fingerprint: str


def write_features(
    path: str | Path, views: Mapping[str, VideoFeatures], config: str = "", fingerprint: str = ""
) -> None:
    """Write the features of one set of videos as a ``.safetensors`` file; the old file stays until the new is whole.

    Args:
        path: the file; missing folders are made.
        views: the features by view, of the same videos in the same order.
        config: the configuration of the run that extracted them.
        fingerprint: which networks it was.

    Raises:
        InputError: the file cannot be written.

    Example:
        >>> write_features("test.safetensors", {"rgb": features})  # doctest: +SKIP
        >>> read_features("test.safetensors").views["rgb"].features.shape  # doctest: +SKIP
        torch.Size([3783, 512])
    """
    first = next(iter(views.values()))
    tensors = {f"{VIEW}{name}": view.features for name, view in views.items()}
    tensors |= {"labels": first.labels, "names": pack_strings(first.names)}
    description = {
        "format": FORMAT,
        "views": list(views),  # in order; the file sorts its tensors
        "class_names": first.class_names,
        "config": config,
        "fingerprint": fingerprint,
    }
    try:
        with atomic_write(path) as temporary:
            write_tensors(temporary, tensors, description)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: the features cannot be written ({error}).") from error


def read_features(path: str | Path) -> FeatureFile:
    """Read a file that :func:`write_features` wrote.

    Raises:
        InputError: no such file, or it is damaged or of another kind.
    """
    about = describe_features(path)
    try:
        tensors = read_tensors(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: this feature file is damaged ({error}); extract the features anew.") from error
    names = unpack_strings(tensors["names"])
    views = {
        view: VideoFeatures(tensors[f"{VIEW}{view}"], tensors["labels"], names, tuple(about["class_names"]))
        for view in about["views"]
    }
    return FeatureFile(views, about["config"], about["fingerprint"])


def describe_features(path: str | Path) -> dict[str, Any]:
    """What a feature file says of its features, ``config`` and ``fingerprint`` among it, without reading these.

    Raises:
        InputError: no such file, or it is damaged or of another kind.
    """
    try:
        about = read_description(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: cannot be read as a feature file ({error}).") from error
    if about.get("format") != FORMAT:
        raise InputError(f"{path}: not a feature file of `iic retrieve --save-features`.")
    return about
