"""Tests of trying out bfloat16: what it lets pass is right, and what is wrong it names and mends."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from iic_ptv.models import c3d, r2plus1d, r3d
from iic_ptv.runs.bfloat16 import keep_wrong_layers_in_float32, wrong_weight_gradients

# On a processor with avx512_bf16 but without AMX, as oneDNN lets others be taken for, R3D has a wrong layer.
ON_FAULTY_PROCESSOR = """
import torch
from iic_ptv.models import r3d
from iic_ptv.runs.bfloat16 import keep_wrong_layers_in_float32, wrong_weight_gradients

for memory_format in (torch.contiguous_format, torch.channels_last_3d):
    torch.manual_seed(0)
    networks = [r3d(width=0.125).to(memory_format=memory_format) for _ in range(2)]
    wrong = keep_wrong_layers_in_float32(networks, (2, 3, 16, 16, 16))
    left = [layer for network in networks for layer in wrong_weight_gradients(network, (2, 3, 16, 16, 16))]
    print(*(layer.name for layer in wrong), "left:", *left)
"""


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


def test_wrong_layers_are_mended_in_all_networks() -> None:
    networks = [nn.Sequential(nn.Conv3d(3, 4, 3, padding=1), FaultyConv3d(4, 4, 3, padding=1)) for _ in range(2)]
    (wrong,) = keep_wrong_layers_in_float32(networks, (2, 3, 3, 6, 6))
    assert wrong.name == "1"
    for network in networks:
        assert not wrong_weight_gradients(network, (2, 3, 3, 6, 6))
        with torch.autocast("cpu", torch.bfloat16):
            network(torch.rand(2, 3, 3, 6, 6)).sum().backward()
        assert network[1].weight.grad.count_nonzero()


def test_where_the_fault_is_known_to_occur_it_is_found_and_mended() -> None:
    if "avx512_bf16" not in _flags():
        pytest.skip("needs a processor with avx512_bf16")
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16"}
    ended = subprocess.run(
        [sys.executable, "-c", ON_FAULTY_PROCESSOR], env=environment, capture_output=True, text=True, check=True
    )
    found = ended.stdout.splitlines()
    if found == ["left:"] * 2:
        pytest.skip("this version of oneDNN is without the fault")
    assert found == ["layer4.0.conv2 left:"] * 2


def _flags() -> list[str]:
    """What the processor says that it can do; nothing where there is no telling."""
    try:
        with open("/proc/cpuinfo") as file:
            return next((line.split() for line in file if line.startswith("flags")), [])
    except OSError:
        return []


def test_the_network_is_left_as_it_was() -> None:
    network = r3d(width=0.125)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    wrong_weight_gradients(network, (2, 3, 8, 16, 16))
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert not any(module._forward_pre_hooks for module in network.modules())
