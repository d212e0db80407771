"""The loss of the reference and ours on the same work, in processes of their own."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from iic_ptv.losses import InterIntraNCELoss, bank_logits
from projects.benchmarks.reference_step import ReferenceLoss
from projects.benchmarks.steps import peak_growth_mb, seconds_of
from projects.benchmarks.timing import round_robin

REFERENCE, OURS = "reference", "ours"
HALVES = ("bfloat16", "float16")  # what ours can keep banks in beside float32


@dataclass(frozen=True)
class Sizes:
    """Of the banks and of a batch.

    Attributes:
        batch: B.
        num_negatives: K.
        num_videos: N.
        feature_dim: D.
    """

    batch: int
    num_negatives: int
    num_videos: int
    feature_dim: int

    def __str__(self) -> str:
        return f"B {self.batch}, K {self.num_negatives:,}, N {self.num_videos:,}, D {self.feature_dim}"


def run(name: str, sizes: Sizes, steps: int, device: str = "cpu") -> dict[str, Any]:
    """Make some steps of a loss alone, after one to warm up.

    Returns:
        ``seconds`` of each; ``peak_mb``, memory at the peak beyond what there was before the first one, banks not
        counted; ``banks_mb``; and ``gradient_error``, relative to the gradient in float64.
    """
    loss = make_loss(name, sizes, device)
    index = torch.randperm(sizes.num_videos, device=device)[: sizes.batch]
    *views, negative = torch.randn(3, sizes.batch, sizes.feature_dim, device=device).unbind()
    views = [view.requires_grad_() for view in views]
    with peak_growth_mb(device) as growth:
        seconds = [seconds_of(partial(_step, loss, views, negative, index), device) for _ in range(steps + 1)][1:]
    return {
        "seconds": seconds,
        "peak_mb": growth[0],
        "banks_mb": sum(buffer.nbytes for buffer in loss.buffers()) / 1e6,
        "gradient_error": _gradient_error(name, sizes, views, negative, index),
    }


def make_loss(name: str, sizes: Sizes, device: str = "cpu") -> ReferenceLoss | InterIntraNCELoss:
    """A contender; the banks of ours begin alike, but for rounding."""
    torch.manual_seed(0)
    if name == REFERENCE:
        return ReferenceLoss(sizes.num_videos, sizes.feature_dim, sizes.num_negatives).to(device)
    precision: Any = next((half for half in HALVES if name.endswith(half)), "float32")
    options = {"num_negatives": sizes.num_negatives, "bank_precision": precision}
    return InterIntraNCELoss(sizes.num_videos, sizes.feature_dim, **options).to(device)


def _step(
    loss: ReferenceLoss | InterIntraNCELoss,
    views: Sequence[Tensor],
    negative: Tensor,
    index: Tensor,
    negative_index: Tensor | None = None,
) -> None:
    """Forward pass, update of the banks, backward pass."""
    for view in views:
        view.grad = None
    if isinstance(loss, ReferenceLoss):
        loss(*views, negative, index, negative_index).backward()
    else:
        loss(views, negative, index, negative_index).loss.backward()


def _gradient_error(
    name: str,
    sizes: Sizes,
    views: Sequence[Tensor],
    negative: Tensor,
    index: Tensor,
) -> float:
    """How far the first step's gradient is from that in float64 with banks that are not rounded, relative to it."""
    negative_index = torch.randint(sizes.num_videos, (sizes.batch, sizes.num_negatives), device=index.device)
    whole = make_loss(OURS if name != REFERENCE else REFERENCE, sizes)
    banks = [whole.bank_1, whole.bank_2, whole.bank_n] if isinstance(whole, ReferenceLoss) else whole.bank.features
    rows = torch.cat([index[:, None], negative_index], dim=1).cpu()
    exact = [exact_gradient(views[number].cpu(), (banks[1 - number], banks[2]), rows) for number in range(2)]
    _step(make_loss(name, sizes, index.device.type), views, negative, index, negative_index)
    found = [view.grad.cpu().double() for view in views if view.grad is not None]
    return float((torch.stack(found) - torch.stack(exact)).norm() / torch.stack(exact).norm())


def exact_gradient(view: Tensor, banks: Sequence[Tensor], rows: Tensor, temperature: float = 0.07) -> Tensor:
    """The gradient ``(B, D)`` in float64 of the softmax loss of a view with rows ``(B, K + 1)`` of banks, by sample."""
    given = view.detach().double().requires_grad_()
    gradient = torch.zeros_like(given)
    for sample, of_sample in enumerate(rows):
        candidates = torch.cat([bank[of_sample].double() for bank in banks])
        logits = candidates @ torch.nn.functional.normalize(given[sample], dim=0) / temperature
        gradient += torch.autograd.grad(logits.logsumexp(0) - logits[0], given)[0] / len(rows)
    return gradient


def ways_to_logits(sizes: Sizes, steps: int, device: str = "cpu") -> dict[str, Any]:
    """Milliseconds of either way to the logits of one view, forward and backward, and whether ours is the product."""
    torch.manual_seed(0)
    bank = torch.randn(sizes.num_videos, sizes.feature_dim, device=device)
    features = torch.randn(1, sizes.batch, sizes.feature_dim, device=device, requires_grad=True)
    ways: dict[str, Callable[[Tensor], float]] = {
        "product": partial(_logits_in, True, features, bank, device),
        "rows": partial(_logits_in, False, features, bank, device),
    }
    batches = [
        torch.randint(sizes.num_videos, (sizes.batch, 1 + sizes.num_negatives), device=device) for _ in range(steps + 1)
    ]
    round_robin(ways, batches[:1])
    seconds = round_robin(ways, batches[1:])
    medians = {f"{name}_ms": round(1000 * statistics.median(times), 2) for name, times in seconds.items()}
    return {**medians, "takes_product": bank_logits.multiplies_all(bank, batches[0])}


def _logits_in(product: bool, features: Tensor, bank: Tensor, device: str, rows: Tensor) -> float:
    """Seconds of forward and backward pass one way or the other, whatever the rule says."""
    rule, bank_logits.multiplies_all = bank_logits.multiplies_all, lambda bank, rows: product
    try:
        return seconds_of(lambda: bank_logits.bank_logits(features, bank, rows).sum().backward(), device)
    finally:
        bank_logits.multiplies_all = rule
