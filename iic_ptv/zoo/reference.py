"""The way back: our weights as files that the code of IIC's authors loads, strictly.

What they load is a dictionary with the state under ``model``. Their networks have nothing beside it: pooling has no
weights, and the classifier, ``linear``, is there only if it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.files.atomic import atomic_write
from iic_ptv.zoo.authors import NETWORKS, authors_names
from iic_ptv.zoo.loading import in_float32, in_words
from iic_ptv.zoo.weights_file import CLASSIFIER, Weights


def to_authors(backbone: str, weights: Mapping[str, Tensor]) -> Weights:
    """The state of one of our networks under the authors' names, in float32; :func:`from_authors` takes it back.

    Args:
        backbone: ``r3d``, ``r2plus1d`` or ``c3d``.
        weights: its state, with or without a ``classifier``.

    Raises:
        InputError: the authors have no such network, or the weights are of another one.
    """
    if backbone not in NETWORKS:
        raise InputError(f"the authors of IIC have no network '{backbone}'; theirs are {', '.join(NETWORKS)}.")
    names = authors_names(backbone, [] if backbone == "c3d" else blocks_of(weights))
    if unknown := [f"{name} is not wanted" for name in weights if name not in names]:
        raise InputError(f"the weights are not of {backbone}: {in_words(unknown)}.")
    if missing := [f"{name} is missing" for name in names if name not in weights and not name.startswith(CLASSIFIER)]:
        raise InputError(f"the weights are not of {backbone}: {in_words(missing)}.")
    return {names[name]: value for name, value in in_float32(weights).items()}


def write_reference(path: Path, backbone: str, weights: Mapping[str, Tensor]) -> None:
    """Write a file that the authors' code takes; also that with PyTorch 1.3, which it was written for.

    Raises:
        InputError: as :func:`to_authors`.
        OSError: it cannot be written.
    """
    state = {name: value.detach().cpu().clone() for name, value in to_authors(backbone, weights).items()}
    with atomic_write(path) as temporary:
        torch.save({"model": state}, temporary, _use_new_zipfile_serialization=False)


def blocks_of(weights: Mapping[str, Tensor]) -> list[int]:
    """Blocks of each stage of one of our residual networks."""
    found = {match.groups() for name in weights if (match := re.match(r"layer(\d)\.(\d+)\.", name))}
    return [sum(stage == str(number) for stage, _ in found) for number in range(1, 5)]
