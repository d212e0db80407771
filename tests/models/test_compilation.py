"""Tests of compiled networks: they compute the same, and are compiled seldom."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch._dynamo.testing import CompileCounter

from iic_ptv.errors import InputError
from iic_ptv.models import r3d
from iic_ptv.models.compilation import compile_network, uncompile_network
from iic_ptv.models.float32_layers import keep_in_float32


@pytest.fixture
def network() -> nn.Module:
    torch._dynamo.reset()
    torch.manual_seed(0)
    return r3d(width=0.0625)


def clips(number: int) -> torch.Tensor:
    return torch.rand(number, 3, 4, 16, 16, generator=torch.Generator().manual_seed(number))


def test_it_is_compiled_once_with_and_once_without_gradient_whatever_the_batches(network) -> None:
    counter, names = CompileCounter(), list(network.state_dict())
    plain = copy.deepcopy(network)
    for each in (plain, network):
        keep_in_float32(each, ["layer4.0.conv2"])
        each.to(memory_format=torch.channels_last_3d)
    compile_network(network, backend=counter)
    assert list(network.state_dict()) == names
    for number in (4, 3, 4, 2):
        for each in (plain, network):
            each.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                each(clips(number)).square().sum().backward()
                with torch.no_grad():
                    each(clips(number))
        torch.testing.assert_close(network.stem.conv.weight.grad, plain.stem.conv.weight.grad)
    assert counter.frame_count == 2
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], value)


def test_features_can_still_be_switched(network) -> None:
    plain = copy.deepcopy(network.eval())
    compile_network(network, backend="eager")
    for features in ("pooled", "map", "pooled"):
        plain.features = network.features = features
        with torch.inference_mode():
            torch.testing.assert_close(network(clips(2)), plain(clips(2)))


def test_it_can_be_undone(network) -> None:
    counter, kind = CompileCounter(), type(network)
    compile_network(network, backend=counter)
    compile_network(network, backend=counter)
    uncompile_network(network)
    network(clips(2))
    assert type(network) is kind
    assert counter.frame_count == 0


def test_outputs_are_of_their_own() -> None:
    """A CUDA graph puts its outputs where it put the last ones."""
    network = nn.Identity()
    compile_network(network, backend="eager")
    clip = clips(2)
    assert network(clip).data_ptr() != clip.data_ptr()


def test_unknown_modes_are_refused(network) -> None:
    with pytest.raises(InputError, match=r"TRAINER\.COMPILE: expected one of default, .*'fast'"):
        compile_network(network, "fast")


@pytest.mark.slow
def test_compiled_by_inductor_it_trains_as_without(network) -> None:
    plain = copy.deepcopy(network)
    compile_network(network)
    for each in (plain, network):
        each(clips(3)).square().sum().backward()
    for (name, weight), other in zip(plain.named_parameters(), network.parameters(), strict=True):
        assert (other.grad - weight.grad).norm() < 1e-3 * weight.grad.norm(), name
