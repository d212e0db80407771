"""Layers that stay in float32 while the rest of their network computes in bfloat16."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


def keep_in_float32(network: nn.Module, names: Iterable[str]) -> None:
    """Let some layers of a network compute in float32, also under autocast.

    Weights, names in the state dict and copies are what they were; what such a layer puts out is float32.

    Args:
        network: any, with weights in float32.
        names: of its layers, as :meth:`~torch.nn.Module.named_modules` has them.
    """
    for layer in map(network.get_submodule, names):
        if not isinstance(layer, _InFloat32):
            layer.__class__ = _in_float32(type(layer))


def keep_nothing_in_float32(network: nn.Module) -> None:
    """Undo :func:`keep_in_float32`, if it was done."""
    for layer in network.modules():
        if isinstance(layer, _InFloat32):
            _, layer.__class__ = type(layer).__bases__


class _InFloat32(nn.Module):
    """Comes before the class of a layer that computes in float32."""

    def forward(self, clip: Tensor) -> Tensor:
        with torch.autocast(clip.device.type, enabled=False):
            return super().forward(clip.float())

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickle finds a class by its name, and one that is made here has none of its own.
        _, kind = type(self).__bases__
        return _blank, (kind,), self.__getstate__()


def _in_float32(kind: type[nn.Module]) -> type[nn.Module]:
    return type(kind.__name__, (_InFloat32, kind), {})


def _blank(kind: type[nn.Module]) -> nn.Module:
    made = _in_float32(kind)
    return made.__new__(made)
