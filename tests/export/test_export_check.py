"""How far an exported file is off."""

import math

import pytest
import torch

from iic_ptv.errors import InputError
from iic_ptv.export.check import check_finite, largest_error, random_clips


def test_the_worst_vector_counts_as_a_share_of_its_norm():
    expected = [torch.tensor([[3.0, 4.0], [0.0, 100.0]]), torch.tensor([[1.0, 0.0]])]
    found = [torch.tensor([[3.0, 4.5], [5.0, 100.0]]), torch.tensor([[1.0, 0.02]])]
    assert largest_error(expected, found) == pytest.approx(0.1)
    assert largest_error(expected, expected) == 0


def test_what_is_no_number_is_infinitely_off():
    one = torch.ones(1, 2)
    assert largest_error([one], [one * torch.nan]) == math.inf
    assert largest_error([one], [one * torch.inf]) == math.inf
    assert largest_error([one, one], [one * torch.nan, one]) == math.inf


def test_features_that_are_all_zero():
    zero = torch.zeros(1, 2)
    assert largest_error([zero], [zero]) == 0
    assert largest_error([zero], [zero + 1e-6]) > 1


def test_another_shape_is_refused():
    with pytest.raises(InputError, match=r"gives \(1, 2\) where the network gives \(3, 2\)"):
        largest_error([torch.ones(3, 2)], [torch.ones(1, 2)])


def test_a_network_that_has_diverged_is_refused():
    check_finite([torch.ones(1, 2)])
    with pytest.raises(InputError, match="diverged"):
        check_finite([torch.ones(1, 2), torch.tensor([[1.0, torch.inf]])])


def test_clips_are_noise_and_always_the_same():
    clips = random_clips(3, (3, 4, 20, 20))
    assert clips.shape == (3, 3, 4, 20, 20)
    assert clips.dtype == torch.uint8
    assert clips.unique().numel() == 256
    assert torch.equal(clips, random_clips(3, (3, 4, 20, 20)))
