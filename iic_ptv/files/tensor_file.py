"""Tensors, names and a description in one safetensors file, which any tool that reads that format can open."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

DESCRIPTION = "iic_ptv"  # a single entry of the metadata: several are written in no certain order


def write_tensors(path: Path, tensors: Mapping[str, Tensor], description: Mapping[str, Any]) -> None:
    """Write a file of tensors and what there is to say of them; the same content always gives the same bytes.

    Args:
        path: the file.
        tensors: what to write.
        description: anything that JSON can hold.

    Raises:
        OSError: the file cannot be written.
        SafetensorError: likewise.
    """
    path.touch()
    mode = path.stat().st_mode
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    save_file(whole, path, {DESCRIPTION: json.dumps(description)})
    path.chmod(mode)  # safetensors leaves it to its owner alone


def read_description(path: str | Path) -> dict[str, Any]:
    """What a file says of its tensors, without reading these; nothing if it is another's.

    Raises:
        OSError: the file cannot be read.
        SafetensorError: it is no safetensors file, or is damaged.
    """
    with safe_open(path, framework="pt") as file:
        return json.loads((file.metadata() or {}).get(DESCRIPTION, "{}"))


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a file, which stay there until they are needed.

    Raises:
        OSError: the file cannot be read.
        SafetensorError: it is no safetensors file, or is damaged.
    """
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dictionary


def pack_strings(strings: Sequence[str]) -> Tensor:
    """Strings as bytes, between zeros, which no file name holds; those that are not UTF-8 come out as they went in."""
    text = "\0".join(string.replace("\0", " ") for string in strings)
    return torch.from_numpy(np.frombuffer(os.fsencode(text), np.uint8).copy())


def unpack_strings(packed: Tensor) -> list[str]:
    """The strings that :func:`pack_strings` packed, at least one."""
    return os.fsdecode(packed.numpy().tobytes()).split("\0")
