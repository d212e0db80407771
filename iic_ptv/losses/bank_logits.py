"""Inner products of features with rows of a memory bank, in the way that is fastest for their number."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

# A product with the whole bank reads it once, in order, and multiplies what nobody asked for; reading the rows that are
# asked for jumps through memory. How many multiplications cost as much as a jump: `python -m projects.benchmarks.loss`.
MULTIPLICATIONS_PER_JUMP = 3000
NUMBERS_AT_ONCE = 2**24  # that either way makes beside its result: 64 MB of float32
ROWS_PER_SUM = 1024  # a GPU adds up the rows of a bag one after the other, and bags at the same time


def bank_logits(features: Tensor, bank: Tensor, rows: Tensor) -> Tensor:
    """Inner products of every feature with its rows of a bank, with a gradient for the features.

    The rows are never copied out: neither ``(B, R, D)`` numbers are made in the forward pass nor in the backward one,
    unless the bank is of another type than the features, and then a bounded part of them at a time.

    Args:
        features: ``(A, B, D)``, A anchors for each of B samples; float32 or float64.
        bank: ``(N, D)`` of any floating type, in which the products are not computed. It must not change before the
            backward pass.
        rows: ``(B, R)``, the rows of each sample.

    Returns:
        ``(A, B, R)`` of the features' type.

    Example:
        >>> features, bank = torch.randn(2, 16, 128, requires_grad=True), torch.randn(10_000, 128)
        >>> bank_logits(features, bank, torch.randint(10_000, (16, 1025))).shape
        torch.Size([2, 16, 1025])
    """
    logits: Tensor = _BankLogits.apply(features.flatten(0, 1), bank, rows.repeat(len(features), 1))
    return logits.unflatten(0, features.shape[:2])


def multiplies_all(bank: Tensor, rows: Tensor) -> bool:
    """Whether a product with the whole bank ``(N, D)`` is the faster way to products with rows ``(B, R)`` of it."""
    num_rows, feature_dim = bank.shape
    return num_rows * feature_dim <= MULTIPLICATIONS_PER_JUMP * rows.shape[1]


class _BankLogits(torch.autograd.Function):
    """As :func:`bank_logits`, of features ``(B, D)``."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, bank: Tensor, rows: Tensor) -> Tensor:
        ctx.save_for_backward(bank, rows)
        if multiplies_all(bank, rows):
            return _by_product(features, bank, rows)
        return _by_rows(features, bank, rows) if bank.dtype == features.dtype else _by_copies(features, bank, rows)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        bank, rows = ctx.saved_tensors
        return _weighted_sums(gradient, bank, rows), None, None


def _by_product(features: Tensor, bank: Tensor, rows: Tensor) -> Tensor:
    """Multiply with the whole bank, and take what was asked for."""
    parts = []
    for some, of_some in zip(*_in_parts(len(bank), features, rows), strict=True):
        products = some.new_empty(len(some), len(bank))
        # Of a bank of another type, a block of rows at a time is converted.
        block = len(bank) if bank.dtype == features.dtype else max(1, NUMBERS_AT_ONCE // (4 * bank.shape[1]))
        for start in range(0, len(bank), block):
            torch.mm(some, bank[start : start + block].to(some.dtype).T, out=products[:, start : start + block])
        parts.append(products.gather(1, of_some))
    return torch.cat(parts)


def _by_rows(features: Tensor, bank: Tensor, rows: Tensor) -> Tensor:
    """Multiply with each row where it lies.

    That is what the gradient of a weighted sum of rows with respect to its weights is, and PyTorch has a kernel for it.
    """
    samples, per_sample = rows.shape
    sample = torch.arange(samples, device=rows.device)
    products = torch.ops.aten._embedding_bag_per_sample_weights_backward(
        features, bank, rows.flatten(), sample * per_sample, sample.repeat_interleave(per_sample), mode=0
    )
    return products.view(samples, per_sample)


def _by_copies(features: Tensor, bank: Tensor, rows: Tensor) -> Tensor:
    """Multiply with copies of the rows, in the features' type."""
    parts = []
    for some, of_some in zip(*_in_parts(rows.shape[1] * bank.shape[1], features, rows), strict=True):
        copies = bank.index_select(0, of_some.flatten()).to(some.dtype).unflatten(0, of_some.shape)
        parts.append(torch.bmm(copies, some.unsqueeze(2)).squeeze(2))
    return torch.cat(parts)


def _in_parts(numbers_per_sample: int, *tensors: Tensor) -> list[tuple[Tensor, ...]]:
    """Samples, so many at a time that a bounded number of numbers is made."""
    return [tensor.split(max(1, NUMBERS_AT_ONCE // numbers_per_sample)) for tensor in tensors]


def _weighted_sums(weights: Tensor, bank: Tensor, rows: Tensor) -> Tensor:
    """Sum each sample's rows of the bank by its weights ``(B, R)``; returns ``(B, D)`` of the weights' type."""
    samples, per_sample = rows.shape
    sizes = weights.abs().amax(dim=1, keepdim=True).clamp_min(torch.finfo(weights.dtype).tiny)
    scaled = (weights / sizes).to(bank.dtype)  # within the range of half precision, too
    first = torch.arange(samples, device=rows.device)[:, None] * per_sample
    bags = first + torch.arange(0, per_sample, ROWS_PER_SUM, device=rows.device)
    sums = F.embedding_bag(
        rows.flatten(), bank, bags.flatten(), mode="sum", per_sample_weights=scaled.flatten()
    )  # of the bags of a sample, the last may be smaller
    return sums.to(weights.dtype).unflatten(0, bags.shape).sum(dim=1) * sizes
