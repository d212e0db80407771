"""Tests of layers that stay in float32: under autocast they compute what they compute without."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn

from iic_ptv.models import r3d
from iic_ptv.models.activation_checkpointing import recompute_activations
from iic_ptv.models.float32_layers import keep_in_float32, keep_nothing_in_float32

LAYER = "layer2.0.conv1"


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return r3d(width=0.0625)


def weight_gradient(layer: nn.Module, clip: Tensor, bfloat16: bool) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        out = layer(clip).float()
    (gradient,) = torch.autograd.grad(out.square().sum(), [layer.weight])
    return gradient


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last_3d])
def test_outputs_and_gradients_are_those_of_float32(memory_format) -> None:
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Conv3d(3, 4, 3, padding=1)).to(memory_format=memory_format)
    clip = torch.rand(2, 3, 4, 6, 6)
    expected, gradient = layer(clip), weight_gradient(layer[0], clip, bfloat16=False)
    assert not torch.equal(weight_gradient(layer[0], clip, bfloat16=True), gradient)
    keep_in_float32(layer, ["0"])
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(layer(clip), expected)
    assert torch.equal(weight_gradient(layer[0], clip, bfloat16=True), gradient)


def test_only_the_named_layers_change(network) -> None:
    seen = {}
    keep_in_float32(network, [LAYER])
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv3d):
            layer.register_forward_hook(lambda _, __, out, name=name: seen.update({name: out.dtype}))
    with torch.autocast("cpu", torch.bfloat16):
        network(torch.rand(2, 3, 4, 16, 16)).float().sum().backward()
    assert seen.pop(LAYER) is torch.float32
    assert set(seen.values()) == {torch.bfloat16}
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in network.parameters())


def test_it_can_be_undone(network) -> None:
    kinds = [type(layer) for layer in network.modules()]
    keep_in_float32(network, [LAYER])
    assert [type(layer) for layer in network.modules()] != kinds
    keep_nothing_in_float32(network)
    assert [type(layer) for layer in network.modules()] == kinds


def test_names_pickles_and_copies_are_as_they_were(network) -> None:
    names = list(network.state_dict())
    keep_in_float32(network, [LAYER])
    keep_in_float32(network, [LAYER])  # once more changes nothing
    assert list(network.state_dict()) == names
    clip = torch.rand(2, 3, 4, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        expected = network.eval()(clip)
        for again in (pickle.loads(pickle.dumps(network)), copy.deepcopy(network)):
            assert again.get_submodule(LAYER) is not network.get_submodule(LAYER)
            assert again.get_submodule(LAYER)(torch.rand(1, 4, 2, 4, 4)).dtype is torch.float32
            assert torch.equal(again(clip), expected)
    assert not (set(map(id, network.parameters())) & set(map(id, again.parameters())))


def test_within_stages_that_are_recomputed(network) -> None:
    recomputed = copy.deepcopy(network)
    recompute_activations(recomputed)
    gradients = []
    for each in (network, recomputed):
        keep_in_float32(each, [LAYER])
        with torch.autocast("cpu", torch.bfloat16):
            out = each(torch.rand(2, 3, 4, 16, 16, generator=torch.Generator().manual_seed(0)))
        out.float().square().sum().backward()
        gradients.append(each.get_submodule(LAYER).weight.grad)
    assert torch.equal(*gradients)
