"""The rows that banks start with."""

import math

import torch

from iic_ptv.losses.initial_rows import BLOCK, fill_with_initial_rows


def rows(num_banks: int, num_rows: int, seed: int = 5, first: int = 0, feature_dim: int = 3) -> torch.Tensor:
    features = torch.full((num_banks, num_rows, feature_dim), torch.nan)
    fill_with_initial_rows(features, seed, first)
    return features


def test_a_row_is_the_same_whatever_part_is_drawn() -> None:
    whole = rows(2, 2 * BLOCK + 10)
    for first, end in [(0, 1), (7, 20), (5, BLOCK + 5), (BLOCK, 2 * BLOCK), (BLOCK - 1, 2 * BLOCK + 10), (3, 3)]:
        assert torch.equal(rows(2, end - first, first=first), whole[:, first:end])
    assert torch.equal(rows(1, 100), whole[:1, :100])


def test_rows_are_uniform_and_unlike_each_other() -> None:
    whole = rows(2, 3 * BLOCK)
    bound = 1 / math.sqrt(3 / 3)
    assert 0.999 * bound < whole.abs().max() <= bound
    assert abs(float(whole.mean())) < 0.01
    assert math.isclose(float(whole.std()), bound / math.sqrt(3), rel_tol=0.01)
    assert len(whole.flatten(0, 1).unique(dim=0)) == 2 * 3 * BLOCK  # no bank or block repeats another
    assert not torch.isclose(whole, rows(2, 3 * BLOCK, seed=6)).all(dim=-1).any()
