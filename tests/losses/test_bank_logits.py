"""Products with rows of a bank: each of the ways to them against float64, and what they leave in memory."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from iic_ptv.losses import bank_logits as ways
from iic_ptv.losses.bank_logits import bank_logits, multiplies_all

A, B, R, D = 2, 5, 30, 8
FEW, MANY = 40, 40_000  # rows of a bank that is multiplied as a whole, and of one that is not


def example(num_rows: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    features = torch.randn(A, B, D, requires_grad=True)
    rows = torch.randint(num_rows, (B, R))
    rows[:, 1] = rows[:, 0]  # one that is drawn twice
    return features, torch.randn(num_rows, D).to(dtype), rows


def exact(features: Tensor, bank: Tensor, rows: Tensor) -> Tensor:
    return torch.einsum("abd,brd->abr", features.double(), bank.double()[rows])


def test_the_banks_are_on_both_sides_of_the_rule() -> None:
    assert multiplies_all(torch.empty(FEW, D), torch.empty(B, R))
    assert not multiplies_all(torch.empty(MANY, D), torch.empty(B, R))


@pytest.mark.parametrize("numbers_at_once", [2**24, 100])
@pytest.mark.parametrize("rows_per_sum", [1024, 7])
@pytest.mark.parametrize("num_rows", [FEW, MANY])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_products_and_their_gradient(monkeypatch, num_rows, dtype, numbers_at_once, rows_per_sum) -> None:
    monkeypatch.setattr(ways, "NUMBERS_AT_ONCE", numbers_at_once)  # so small that it takes many parts
    monkeypatch.setattr(ways, "ROWS_PER_SUM", rows_per_sum)
    features, bank, rows = example(num_rows, dtype)
    logits, expected = bank_logits(features, bank, rows), exact(features, bank, rows)
    assert logits.dtype == torch.float32
    assert torch.allclose(logits.double(), expected, atol=1e-5)  # whatever the bank is kept in

    # Weights over the range of softmax, down to where float16 would underflow.
    direction = torch.randn_like(logits) * torch.logspace(-1, -9, R)
    (gradient,) = torch.autograd.grad(logits, features, direction)
    (expected,) = torch.autograd.grad(expected, features, direction.double())
    tolerance = {torch.float32: 1e-6, torch.bfloat16: 1e-2, torch.float16: 1e-3}[dtype]
    assert (gradient - expected).norm() < tolerance * expected.norm()


@pytest.mark.parametrize("num_rows", [FEW, MANY])
def test_float64(num_rows) -> None:
    features, bank, rows = example(num_rows, torch.float64)
    check = features.detach().double().requires_grad_()
    assert torch.autograd.gradcheck(lambda given: bank_logits(given, bank, rows), check)


class LargestTensor(TorchDispatchMode):
    """Notes how many numbers the largest tensor has that an operator makes."""

    numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if isinstance(out, Tensor) and not func.is_view:
            self.numbers = max(self.numbers, out.numel())
        return out


@pytest.mark.parametrize("num_rows", [FEW, MANY])
def test_rows_are_not_copied_out(num_rows) -> None:
    features, bank, rows = example(num_rows)
    with LargestTensor() as largest:
        bank_logits(features, bank, rows).sum().backward()
    assert largest.numbers <= A * B * max(R, FEW)


def test_a_bank_that_changed_is_told() -> None:
    features, bank, rows = example(FEW)
    logits = bank_logits(features, bank, rows)
    bank[0] = 0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        logits.sum().backward()
