"""Operations are counted as one counts them by hand."""

from __future__ import annotations

import torch
from torch import nn

from iic_ptv.runs.profiling.operations import counted_operations, matrix_product_speed


def test_a_convolution_and_its_gradients_in_closed_form() -> None:
    """Two operations for each weight and each output; as many for each of the gradients, of weights and of inputs."""
    first, second = nn.Conv3d(3, 8, 3, padding=1), nn.Conv3d(8, 5, (1, 3, 3), stride=2, bias=False)
    clip = torch.rand(2, 3, 4, 9, 9)
    of_first = 2 * (2 * 8 * 4 * 9 * 9) * (3 * 3 * 3 * 3)
    of_second = 2 * (2 * 5 * 2 * 4 * 4) * (8 * 1 * 3 * 3)
    with counted_operations() as operations:
        out = second(first(clip))
        assert operations() == of_first + of_second
        out.sum().backward()
    assert operations() == 2 * of_first + 3 * of_second  # nobody asks for the gradient of the clip


def test_compiled_networks_are_counted_too() -> None:
    network = nn.Linear(6, 7)
    network.compile(backend="eager")
    network(torch.rand(5, 6))
    with counted_operations() as operations:
        network(torch.rand(5, 6))
    assert operations() == 2 * 5 * 6 * 7


def test_a_machine_multiplies_matrices_at_some_speed() -> None:
    assert 1e8 < matrix_product_speed(torch.device("cpu"), torch.float32) < 1e14
