"""A loss whose gradient is computed together with it, while what it depends on is still as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def with_gradient(contrast: Callable[..., tuple[Tensor, Any]], *features: Tensor) -> tuple[Tensor, Any]:
    """Compute a loss of features, and its gradient at once if there will be a backward pass.

    Whatever else the loss depends on may change before the backward pass, which only multiplies the gradients that are
    known. There is no second derivative.

    Args:
        contrast: from the features to the loss, a scalar, and whatever else it returns, without gradient.
        features: any shapes.

    Returns:
        What ``contrast`` returns; the loss has a gradient for those features that ask for one.
    """
    asking = [each for each in features if each.requires_grad]
    if not (asking and torch.is_grad_enabled()):
        return contrast(*features)
    given = [each.detach().requires_grad_(each.requires_grad) for each in features]
    loss, more = contrast(*given)
    gradients = torch.autograd.grad(loss, [each for each in given if each.requires_grad])
    known: Tensor = _KnownGradients.apply(loss.detach(), gradients, *asking)
    return known, more


class _KnownGradients(torch.autograd.Function):
    """A value whose gradients for the features are given."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, gradients: tuple[Tensor, ...], *features: Tensor) -> Tensor:
        ctx.save_for_backward(*gradients)
        return value.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *(outer * gradient for gradient in ctx.saved_tensors)
