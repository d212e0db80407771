"""A loss whose gradient is computed together with it, while what it depends on is still as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def with_gradient(contrast: Callable[[Tensor], tuple[Tensor, Any]], features: Tensor) -> tuple[Tensor, Any]:
    """Compute a loss of features, and its gradient at once if there will be a backward pass.

    Whatever else the loss depends on may change before the backward pass, which only multiplies the gradient that is
    known. There is no second derivative.

    Args:
        contrast: from features to the loss, a scalar, and whatever else it returns, without gradient.
        features: any shape.

    Returns:
        What ``contrast`` returns; the loss has a gradient for the features if they ask for one.
    """
    if not (features.requires_grad and torch.is_grad_enabled()):
        return contrast(features)
    given = features.detach().requires_grad_()
    loss, more = contrast(given)
    (gradient,) = torch.autograd.grad(loss, given)
    known: Tensor = _KnownGradient.apply(features, loss.detach(), gradient)
    return known, more


class _KnownGradient(torch.autograd.Function):
    """A value whose gradient for the features is given."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
        ctx.save_for_backward(gradient)
        return value.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        return outer * gradient, None, None
