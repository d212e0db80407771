"""Reading checkpoints: which network is in a file, and does it fit the one at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from fvcore.common.config import CfgNode
from torch import Tensor, nn

from iic_ptv.config import parse_config
from iic_ptv.errors import InputError

LAST = Path("checkpoints") / "last.ckpt"
NETWORKS = "networks."  # prefix of the backbones in the state dict of a task


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint of a run.

    Attributes:
        path: the file.
        config: the configuration of the run that wrote it.
        state_dict: weights and banks of the task.
        epoch: epochs completed, or begun where it was saved within one.
        step: optimiser steps made.
    """

    path: Path
    config: CfgNode
    state_dict: dict[str, Any]
    epoch: int
    step: int


def find_checkpoint(path: str | Path) -> Path:
    """The checkpoint that ``path`` means: the file itself, or the last one of a run folder.

    Raises:
        InputError: there is none.
    """
    path = Path(path)
    if path.is_dir():
        if not (path / LAST).is_file():
            raise InputError(f"{path}: this folder has no {LAST}; name a run folder or a .ckpt file.")
        return path / LAST
    if not path.is_file():
        raise InputError(f"{path}: there is no such checkpoint; name a run folder or a .ckpt file.")
    return path


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint that a run of ours wrote, without running any code that the file may hold.

    Raises:
        InputError: no such file, not a checkpoint, damaged, or written by something else.
    """
    path = find_checkpoint(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what a file of any other kind can raise has no end
        raise InputError(f"{path}: not a readable checkpoint; it is damaged or of another kind.") from error
    if not isinstance(content, dict) or not (isinstance(content.get("iic_config"), str) and "state_dict" in content):
        raise InputError(f"{path}: not a checkpoint of `iic pretrain`: it holds no configuration or no weights.")
    config = parse_config(content["iic_config"], str(path))
    return Checkpoint(path, config, content["state_dict"], content["epoch"], content["global_step"])


def load_networks(networks: nn.ModuleList, checkpoint: Checkpoint) -> None:
    """Copy a checkpoint's backbones into ``networks``; what else it holds (banks, heads) is not asked for.

    Raises:
        InputError: the checkpoint is of another architecture; the message names what differs.
    """
    given = {
        name.removeprefix(NETWORKS): value
        for name, value in checkpoint.state_dict.items()
        if name.startswith(NETWORKS) and isinstance(value, Tensor)
    }
    differences = _differences(networks.state_dict(), given)
    if differences:
        raise InputError(
            f"{checkpoint.path}: its network is another one: {'; '.join(differences[:3])}"
            f"{f'; and {len(differences) - 3} more' if len(differences) > 3 else ''}. "
            f"The run was of MODEL.BACKBONE {checkpoint.config.MODEL.BACKBONE} with MODEL.OPTIONS "
            f"{dict(checkpoint.config.MODEL.OPTIONS)}; leave these as they were."
        )
    networks.load_state_dict(given)


def _differences(expected: dict[str, Tensor], given: dict[str, Tensor]) -> list[str]:
    """What keeps ``given`` from fitting, in words."""
    found = [f"{name} is missing" for name in expected if name not in given]
    found += [f"{name} is not wanted" for name in given if name not in expected]
    found += [
        f"{name} is {tuple(given[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in given and given[name].shape != expected[name].shape
    ]
    return found
