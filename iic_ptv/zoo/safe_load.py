"""The content of a file of others, without running any code in it.

What ``torch.save`` writes is a pickle, which may name any function to be called. ``torch.load(weights_only=True)``
calls none but those that make tensors. Two harmless things keep it from reading files that people have: the options of
IIC's authors, an ``argparse.Namespace``, and the configurations that PyTorchVideo's trainer leaves in its checkpoints,
objects of omegaconf and of its own. The former are read; of the latter nothing is: empty objects stand in for them.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import torch
from torch.serialization import safe_globals

from iic_ptv.errors import InputError

CONFIGURATION = re.compile(
    r"(omegaconf|hydra|typing|torchrecipes|pytorchvideo_trainer|pytorch_lightning|lightning)\..+"
    r"|builtins\.(bool|bytes|dict|float|int|list|str|tuple)|pathlib\.\w+"
)
DEFAULTDICT = "collections.defaultdict"  # within configurations; what is put in it is put in a plain one


class Placeholder:
    """Stands where a configuration stood; keeps nothing of it."""

    def __new__(cls, *_: Any) -> Placeholder:
        """Take what its original would have been made of."""
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        """Forget what its original knew."""


def _dictionary(*_: Any) -> dict[Any, Any]:
    return {}


def load_safely(path: Path) -> Any:
    """What a file that ``torch.save`` wrote holds, in any of its formats, on the CPU.

    Raises:
        InputError: it would run code, is damaged, or is of another kind.
    """
    stand_ins: list[Any] = [(Placeholder, name) for name in _unknown(path) if CONFIGURATION.fullmatch(name)]
    if stand_ins:
        stand_ins.append((_dictionary, DEFAULTDICT))
    try:
        with safe_globals([argparse.Namespace, *stand_ins]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what a file of any other kind can raise has no end
        if refused := re.search(r"GLOBAL (\S+)", str(error)):
            raise InputError(
                f"{path}: not a readable checkpoint: it would run code on being read ({refused[1]}), which is refused."
            ) from error
        raise InputError(f"{path}: not a readable checkpoint; it is damaged or of another kind.") from error


def _unknown(path: Path) -> list[str]:
    """What the file names beyond tensors and plain values; nothing of files that are none of torch's today."""
    try:
        return torch.serialization.get_unsafe_globals_in_checkpoint(str(path))
    except Exception:  # as above
        return []
