"""Trading time for memory: the activations of a network's stages, computed again when their gradients are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


def recompute_activations(network: nn.Module) -> None:
    """Let each stage of a network keep only its input for the backward pass, which then computes the rest again.

    Outputs, gradients, BatchNorm's statistics and names in the state dict are what they were; without gradients, or in
    eval mode, nothing is different at all. A training step needs about a third more computation.

    Args:
        network: its ``stages`` are recomputed one by one, as those of a :class:`~iic_ptv.models.backbone.Backbone`; of
            a network without such, its children are.
    """
    for stage in list(getattr(network, "stages", network.children())):
        kind = type(stage)
        if not issubclass(kind, _Recomputed):
            # By its class, not by a forward of its own: that would still be the old one's in a copy of the network.
            stage.__class__ = type(kind.__name__, (_Recomputed, kind), {})


class _Recomputed(nn.Module):
    """Comes before the class of a module whose activations are recomputed."""

    def forward(self, *inputs: Any) -> Any:
        if not (self.training and torch.is_grad_enabled()):
            return super().forward(*inputs)
        return checkpoint(super().forward, *inputs, use_reentrant=False, context_fn=partial(_contexts, self))


def _contexts(module: nn.Module) -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """Around the forward pass, and around its repetition."""
    return nullcontext(), _spare_buffers(module)


@contextmanager
def _spare_buffers(module: nn.Module) -> Iterator[None]:
    """Work on copies of the buffers: what is remembered of a pass, as BatchNorm's statistics, is so once."""
    buffers = [(each, dict(each._buffers)) for each in module.modules() if each._buffers]
    for each, kept in buffers:
        each._buffers.update({name: None if value is None else value.clone() for name, value in kept.items()})
    try:
        yield
    finally:
        for each, kept in buffers:
            each._buffers.update(kept)
