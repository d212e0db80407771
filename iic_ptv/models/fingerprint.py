"""Telling networks apart by their weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn


def fingerprint(module: nn.Module) -> str:
    """A hash of the names and values of a module's parameters and buffers: SHA-256, in hexadecimal digits.

    Two networks of the same fingerprint give the same features, whatever files they come from. The device does not
    count; the type of the numbers does.
    """
    return fingerprint_of_state(module.state_dict())


def fingerprint_of_state(state: Mapping[str, Tensor]) -> str:
    """The :func:`fingerprint` of a module with this state."""
    digest = hashlib.sha256()
    for name, value in sorted(state.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        # As bytes, because NumPy knows no bfloat16; a number by itself cannot be viewed as several.
        digest.update(value.detach().cpu().contiguous().flatten().view(dtype=torch.uint8).numpy().tobytes())
    return digest.hexdigest()
