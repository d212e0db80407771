"""Reading checkpoints: which network is in a file, and does it fit the one at hand."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from fvcore.common.config import CfgNode
from torch import Tensor, nn
from torch.serialization import safe_globals

from iic_ptv.config import default_config, parse_config
from iic_ptv.errors import InputError
from iic_ptv.zoo.authors import Weights, from_authors, is_authors, model_state

LAST = Path("checkpoints") / "last.ckpt"
BEST = Path("checkpoints") / "best.ckpt"
PRETRAIN, FINETUNE, AUTHORS = "iic pretrain", "iic finetune", "the authors of IIC"  # what writes checkpoints
CONFIG_KEY, CLASSES_KEY = "iic_config", "class_names"  # entries of our checkpoints beside Lightning's
CLASSIFIER = "classifier."  # prefix of the names of a backbone's classifier


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint of a run of ours, or a file of the authors.

    Attributes:
        path: the file.
        writer: what wrote it: ``iic pretrain``, ``iic finetune`` or the authors.
        config: the configuration of the run that wrote it; of the authors' files, what is known of it.
        networks: the states of its backbones: one, or one for each view. That of a fine-tuned one has a classifier.
        class_names: what the classifier tells apart, in the order of its outputs; none if that is not known.
        state_dict: the state of the whole task, with memory banks; empty in files of the authors.
        epoch: epochs completed, or begun where it was saved within one.
        step: optimiser steps made.
    """

    path: Path
    writer: str
    config: CfgNode
    networks: list[Weights]
    class_names: tuple[str, ...] = ()
    state_dict: dict[str, Any] = field(default_factory=dict)
    epoch: int = 0
    step: int = 0

    @property
    def run_folder(self) -> Path:
        """The folder of the run that wrote it."""
        return self.path.parents[1] if self.path.match(str(LAST)) or self.path.match(str(BEST)) else self.path.parent

    @property
    def num_classes(self) -> int:
        """Outputs of the classifier, 0 without one."""
        bias = self.networks[0].get(f"{CLASSIFIER}bias")
        return 0 if bias is None else len(bias)


def find_checkpoint(path: str | Path, to_resume: bool = False) -> Path:
    """The checkpoint that ``path`` means: the file itself, or the best, else the last, of a run folder.

    Args:
        path: the file or the run folder.
        to_resume: always the last of a run folder.

    Raises:
        InputError: there is none.
    """
    path = Path(path)
    if not path.is_dir():
        if not path.is_file():
            raise InputError(f"{path}: there is no such checkpoint; name a run folder or a checkpoint file.")
        return path
    for name in (LAST,) if to_resume else (BEST, LAST):
        if (path / name).is_file():
            return path / name
    raise InputError(f"{path}: this folder has no {LAST}; name a run folder or a checkpoint file.")


def read_checkpoint(path: str | Path, to_resume: bool = False) -> Checkpoint:
    """Read a checkpoint of ``iic pretrain`` or ``iic finetune`` or a file of the authors; code in it is never run.

    Args:
        path: as for :func:`find_checkpoint`.
        to_resume: likewise.

    Raises:
        InputError: no such file, not a checkpoint, damaged, or written by something else.
    """
    path = find_checkpoint(path, to_resume)
    content = _load(path)
    if isinstance(content, dict) and isinstance(content.get(CONFIG_KEY), str) and "state_dict" in content:
        return _ours(path, content)
    state = model_state(content)
    if state is not None and is_authors(state):
        return _authors(path, state)
    raise InputError(
        f"{path}: not a checkpoint of `iic pretrain` or `iic finetune`, as it holds no configuration or no weights, "
        "nor one of R3D, R(2+1)D or C3D by the authors of IIC."
    )


def load_networks(networks: nn.ModuleList, checkpoint: Checkpoint) -> None:
    """Copy a checkpoint's backbones into ``networks``; what else it holds (banks, heads, classifiers) is not asked for.

    Raises:
        InputError: the checkpoint is of another architecture; the message names what differs.
    """
    if len(networks) != len(checkpoint.networks):
        raise InputError(
            f"{checkpoint.path}: it has {len(checkpoint.networks)} networks, one for each view if several, and "
            f"{len(networks)} are asked for; leave MODEL.PER_VIEW and VIEWS as they were."
        )
    for number, network in enumerate(networks):
        load_backbone(network, checkpoint, number)


def load_backbone(network: nn.Module, checkpoint: Checkpoint, number: int = 0) -> None:
    """Copy one of a checkpoint's backbones into ``network``; a classifier of ``network`` stays as it is.

    Raises:
        InputError: as :func:`load_networks`.
    """
    state = network.state_dict()
    given = without_classifier(checkpoint.networks[number])
    _check_fits(without_classifier(state), given, checkpoint)
    network.load_state_dict({**state, **given})


def load_classifier(network: nn.Module, checkpoint: Checkpoint) -> None:
    """Copy a checkpoint's fine-tuned network, classifier and all, into ``network``.

    Raises:
        InputError: as :func:`load_networks`.
    """
    _check_fits(network.state_dict(), checkpoint.networks[0], checkpoint)
    network.load_state_dict(checkpoint.networks[0])


def _check_fits(expected: Mapping[str, Tensor], given: Mapping[str, Tensor], checkpoint: Checkpoint) -> None:
    differences = _differences(expected, given)
    if differences:
        raise InputError(
            f"{checkpoint.path}: its network is another one: {'; '.join(differences[:3])}"
            f"{f'; and {len(differences) - 3} more' if len(differences) > 3 else ''}. "
            f"The run was of MODEL.BACKBONE {checkpoint.config.MODEL.BACKBONE} with MODEL.OPTIONS "
            f"{dict(checkpoint.config.MODEL.OPTIONS)}; leave these as they were."
        )


def without_classifier(weights: Mapping[str, Tensor]) -> Weights:
    """The weights of the backbone alone."""
    return {name: value for name, value in weights.items() if not name.startswith(CLASSIFIER)}


def _load(path: Path) -> Any:
    """The content of a file, which may hold tensors, plain values and the authors' options, but nothing that runs."""
    try:
        with safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what a file of any other kind can raise has no end
        if refused := re.search(r"GLOBAL (\S+)", str(error)):
            raise InputError(
                f"{path}: not a readable checkpoint: it would run code on being read ({refused[1]}), which is refused."
            ) from error
        raise InputError(f"{path}: not a readable checkpoint; it is damaged or of another kind.") from error


def _ours(path: Path, content: dict[str, Any]) -> Checkpoint:
    state = content["state_dict"]
    finetuned = CLASSES_KEY in content
    prefixes = ["model."] if finetuned else _numbered(state)
    return Checkpoint(
        path,
        FINETUNE if finetuned else PRETRAIN,
        parse_config(content[CONFIG_KEY], str(path)),
        [_below(prefix, state) for prefix in prefixes],
        tuple(content.get(CLASSES_KEY, ())),
        state,
        content["epoch"],
        content["global_step"],
    )


def _numbered(state: Mapping[str, Any]) -> list[str]:
    """The prefixes of the backbones of a pre-training."""
    numbers = {int(found[1]) for name in state if (found := re.match(r"networks\.(\d+)\.", name))}
    return [f"networks.{number}." for number in sorted(numbers)]


def _below(prefix: str, state: Mapping[str, Any]) -> Weights:
    return {
        name.removeprefix(prefix): value
        for name, value in state.items()
        if name.startswith(prefix) and isinstance(value, Tensor)
    }


def _authors(path: Path, state: Weights) -> Checkpoint:
    """A file of the authors, with what is known of how it was trained."""
    try:
        network = from_authors(state)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    config = default_config()
    config.MODEL.BACKBONE = network.backbone
    config.MODEL.OPTIONS.update(network.options)
    if network.projector:  # IICv2
        config.DATA.AUGMENTATION, config.DATA.CLIPS_PER_VIDEO = "strong", 2
        config.VIEWS = ["residual_unscaled", "residual_unscaled"]
    elif f"{CLASSIFIER}weight" in network.weights:
        config.VIEWS = ["residual_unscaled"]
    return Checkpoint(path, AUTHORS, config, [network.weights])


def _differences(expected: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> list[str]:
    """What keeps ``given`` from fitting, in words."""
    found = [f"{name} is missing" for name in expected if name not in given]
    found += [f"{name} is not wanted" for name in given if name not in expected]
    found += [
        f"{name} is {tuple(given[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in given and given[name].shape != expected[name].shape
    ]
    return found
