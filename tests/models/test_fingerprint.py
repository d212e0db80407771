"""A fingerprint tells weights apart, and nothing else."""

import copy

import torch
from torch import nn

from iic_ptv.models import r3d
from iic_ptv.models.fingerprint import fingerprint


def test_copies_share_it_whatever_they_are_set_to_return() -> None:
    network = r3d(width=0.0625)
    other = copy.deepcopy(network)
    other.features = "map"
    assert fingerprint(network) == fingerprint(other.eval())


def test_a_single_bit_changes_it() -> None:
    network = nn.Linear(3, 2)
    before = fingerprint(network)
    with torch.no_grad():
        network.weight[0, 0] = torch.nextafter(network.weight[0, 0], torch.tensor(10.0))
    assert fingerprint(network) != before


def test_buffers_types_and_names_count() -> None:
    norm = nn.BatchNorm1d(4)
    changed = copy.deepcopy(norm)
    changed.running_mean[2] = 1
    networks = [norm, changed, copy.deepcopy(norm).bfloat16(), nn.Sequential(copy.deepcopy(norm))]
    assert len({fingerprint(network) for network in networks}) == 4


def test_the_layout_in_memory_does_not() -> None:
    network = nn.Conv3d(2, 3, 3)
    before = fingerprint(network)
    assert fingerprint(network.to(memory_format=torch.channels_last_3d)) == before
