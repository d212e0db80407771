"""Optimisers whose step is one pass over memory, and what they need of states that were written elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


def optimizer_of(make: Callable[..., Optimizer], fused: bool, parameters: Iterable[Any]) -> Optimizer:
    """Make an optimiser that goes on from the state of any other of its kind.

    Args:
        make: makes it from parameters, or groups of them, and ``fused``.
        fused: whether its step is a single kernel, which PyTorch has for CPUs, too.
        parameters: likewise.
    """
    optimizer = make(parameters, fused=fused or None)  # None: the fastest of the other ways
    optimizer.register_load_state_dict_pre_hook(_fused_as_built)
    optimizer.register_load_state_dict_post_hook(_lay_out_as_parameters)
    return optimizer


def _fused_as_built(optimizer: Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    """Whether a step is fused hangs on where the run is now, not on where its state was written."""
    groups = [{**group, "fused": optimizer.defaults["fused"]} for group in state["param_groups"]]
    return {**state, "param_groups": groups}


def _lay_out_as_parameters(optimizer: Optimizer) -> None:
    """Put momenta in the order in memory that the parameters have now, as TRAINER.CHANNELS_LAST may have changed.

    A fused step on the CPU goes through memory without looking at strides: it would mix up the numbers, silently.
    """
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape and value.stride() != parameter.stride():
                state[name] = torch.empty_like(parameter).copy_(value)
