"""Tests of trying out bfloat16: what it lets pass is right, and what is wrong it names."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from iic_ptv.models import c3d, r2plus1d, r3d
from iic_ptv.runs.bfloat16 import wrong_weight_gradients


class ZeroGradient(torch.autograd.Function):
    """Identity whose gradient is zero, as that of the processors with the fault is."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return torch.zeros_like(gradient)


class FaultyConv3d(nn.Conv3d):
    """A convolution that loses its weight gradient in bfloat16."""

    def forward(self, clip: Tensor) -> Tensor:
        lost = torch.is_autocast_enabled("cpu")
        weight = ZeroGradient.apply(self.weight) if lost else self.weight
        return self._conv_forward(clip, weight, self.bias)


def test_a_wrong_layer_is_named() -> None:
    network = nn.Sequential(nn.Conv3d(3, 4, 3, padding=1), FaultyConv3d(4, 4, 3, padding=1))
    (wrong,) = wrong_weight_gradients(network, (2, 3, 3, 6, 6))
    assert wrong.name == "1"
    assert wrong.input_shape == (2, 4, 3, 6, 6)
    assert wrong.error == pytest.approx(1.0)


@pytest.mark.parametrize("backbone", [r3d, r2plus1d, c3d])
def test_what_passes_trains_like_float32(backbone) -> None:
    torch.manual_seed(0)
    network, clip = backbone(width=0.125), torch.rand(2, 3, 16, 16, 16)
    if wrong_weight_gradients(network, tuple(clip.shape)):
        pytest.skip("bfloat16 is wrong on this processor")

    def gradient(bfloat16: bool) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            out = network.eval()(clip).float()
        return torch.cat([g.flatten() for g in torch.autograd.grad(out.sum(), list(network.parameters()))])

    exact = gradient(bfloat16=False)
    assert (gradient(bfloat16=True) - exact).norm() < 0.1 * exact.norm()


def test_the_network_is_left_as_it_was() -> None:
    network = r3d(width=0.125)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    wrong_weight_gradients(network, (2, 3, 8, 16, 16))
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert not any(module._forward_pre_hooks for module in network.modules())
