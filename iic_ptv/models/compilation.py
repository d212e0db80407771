"""Compiling networks with torch.compile, in place."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from iic_ptv.errors import InputError

MODES = ("default", "reduce-overhead", "max-autotune")


def compile_network(network: nn.Module, mode: str = "default", backend: Any = "inductor") -> None:
    """Let a network compile itself when it is first called, once for batches of any size.

    Passes with and without gradient, and in eval mode, are compiled each for itself. Weights and names in the state
    dict stay what they are; a copy of the network is not compiled.

    Args:
        network: from clips to one tensor.
        mode: of torch.compile: ``"default"``; on GPUs ``"reduce-overhead"``, CUDA graphs that launch small networks
            faster, or ``"max-autotune"``, which tries out kernels besides and takes minutes to compile.
        backend: what compiles.

    Raises:
        InputError: there is no such mode.
    """
    if mode not in MODES:
        raise InputError(f"TRAINER.COMPILE: expected one of {', '.join(MODES)}, or nothing; got '{mode}'.")
    network.compile(mode=mode, backend=backend)
    if not isinstance(network, _Compiled):
        kind = type(network)
        network.__class__ = type(kind.__name__, (_Compiled, kind), {})


def uncompile_network(network: nn.Module) -> None:
    """Undo :func:`compile_network`, if it was done."""
    if isinstance(network, _Compiled):
        network._compiled_call_impl = None
        _, network.__class__ = type(network).__bases__


class _Compiled(nn.Module):
    """Comes before the class of a network that is compiled, and does what has to happen outside of compiled code."""

    def __call__(self, clip: Tensor) -> Tensor:
        torch._dynamo.maybe_mark_dynamic(clip, 0)  # batches of an epoch may differ by a clip
        # Where the network runs as a CUDA graph, its next pass overwrites what it put out: another view's features.
        return super().__call__(clip).clone()
