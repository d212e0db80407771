"""Recomputed activations: the same step with less memory, for every registered backbone."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from iic_ptv.models.activation_checkpointing import recompute_activations
from iic_ptv.registry import BACKBONES

LARGER = {"slowfast_16x8_r101_50_50", "slowfast_r101", "x3d_s", "x3d_m", "x3d_l"}  # than one of the same construction


def clips() -> Tensor:
    return torch.rand(2, 3, 8, 16, 16, generator=torch.Generator().manual_seed(1))


def kept_bytes_and_loss(network: nn.Module) -> tuple[int, Tensor]:
    """The memory that a forward pass takes and does not give back, and a loss of two passes, as of two views."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        features = network(clips())
    direction = torch.randn(features.shape, generator=torch.Generator().manual_seed(2))
    loss = (features * direction).sum() + network(clips().flip(2)).square().sum()
    return sum(event.self_cpu_memory_usage for event in profiler.key_averages()), loss


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(BACKBONES.names()) - LARGER))
def test_a_step_is_the_same_and_keeps_less(name: str) -> None:
    torch.manual_seed(0)
    plain = BACKBONES.get(name)()
    recomputing = copy.deepcopy(plain)
    recompute_activations(recomputing)
    kept_by_plain, expected = kept_bytes_and_loss(plain)
    kept, loss = kept_bytes_and_loss(recomputing)
    assert kept < 0.7 * kept_by_plain
    assert torch.equal(loss, expected)
    expected.backward()
    loss.backward()
    gradients = {key: parameter.grad for key, parameter in recomputing.named_parameters()}
    for key, parameter in plain.named_parameters():
        torch.testing.assert_close(gradients[key], parameter.grad, msg=key)
    state = recomputing.state_dict()
    assert list(state) == list(plain.state_dict())
    for key, value in plain.state_dict().items():
        assert torch.equal(state[key], value), key


def test_without_gradients_nothing_is_different() -> None:
    torch.manual_seed(0)
    plain = BACKBONES.get("r3d")(width=1 / 16)
    recomputing = copy.deepcopy(plain)
    recompute_activations(recomputing)
    with torch.no_grad():
        assert torch.equal(recomputing(clips()), plain(clips()))
    assert torch.equal(recomputing.eval()(clips()), plain.eval()(clips()))
    recompute_activations(recomputing)  # a second time changes nothing
    assert len(type(recomputing.stem).__mro__) == 1 + len(type(plain.stem).__mro__) + 1


def test_a_copy_recomputes_with_its_own_weights() -> None:
    network = BACKBONES.get("r3d")(width=1 / 16)
    recompute_activations(network)
    other = copy.deepcopy(network)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    other(clips()).sum().backward()
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not other(clips()).any()


def test_draws_are_repeated() -> None:
    network = nn.Sequential(nn.Sequential(nn.Linear(50, 50), nn.Dropout(0.5)))
    recompute_activations(network)
    given = torch.ones(1, 50, requires_grad=True)
    out = network(given)
    out.sum().backward()
    (layer, _) = network[0]
    dropped = out[0] == 0
    assert 0 < dropped.sum() < 50
    assert torch.equal(layer.bias.grad == 0, dropped)
