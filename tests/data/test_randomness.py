"""Draws are pure functions of their key, and leave no trace."""

import random

import numpy as np
import pytest
import torch

from iic_ptv.data.randomness import ClipRequest, reproducible
from iic_ptv.randomness import number_of, seed_of


def draw() -> tuple[float, float, float]:
    return torch.rand(()).item(), random.random(), float(np.random.rand())


def draw_and_fail() -> None:
    with reproducible(9):
        draw()
        raise KeyError


def test_same_key_same_draws() -> None:
    drawn = []
    for _ in range(2):
        with reproducible(3, 1, 4):
            drawn.append(draw())
        draw()
    assert drawn[0] == drawn[1]


def test_other_keys_draw_otherwise() -> None:
    keys = [(0,), (1,), (0, 0), (0, 1), (1, 0), (0, 0, 0), (0, -1)]
    drawn = []
    for key in keys:
        with reproducible(*key):
            drawn.append(draw())
    assert len({number for numbers in drawn for number in numbers}) == 3 * len(keys)


def test_surrounding_draws_are_not_touched() -> None:
    torch.manual_seed(5)
    random.seed(5)
    np.random.seed(5)
    expected = draw(), draw()
    torch.manual_seed(5)
    random.seed(5)
    np.random.seed(5)
    before = draw()
    with pytest.raises(KeyError):
        draw_and_fail()
    assert (before, draw()) == expected


def test_the_generator_is_what_torch_draws_from() -> None:
    with reproducible(1) as generator:
        drawn = torch.rand(4, generator=generator)
    with reproducible(1):
        assert torch.equal(torch.rand(4), drawn)


def test_blocks_can_be_nested() -> None:
    with reproducible(1):
        alone = draw(), draw()
    with reproducible(1):
        first = draw()
        with reproducible(2):
            draw()
        assert (first, draw()) == alone


def test_seeds_are_spread_and_fixed() -> None:
    seeds = [seed_of(seed, epoch, video) for seed in range(3) for epoch in range(10) for video in range(100)]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) >= 0
    assert max(seeds) < 2**63
    assert 0.45 < np.mean(seeds) / 2**63 < 0.55
    assert seed_of(1, 2, 3) == 6520558355739401531, "checkpoints of earlier runs count on it"


def test_clip_requests_name_a_clip() -> None:
    assert ClipRequest(epoch=2, video_index=7) == (2, 7, 0, 0)


def test_numbers_of_names_are_spread_and_fixed_whatever_the_name() -> None:
    names = ("run/a", "run/b", "ü", "\udcff", "")  # the fourth is a file name that is not UTF-8
    assert len({number_of(name) for name in names}) == len(names)
    assert all(0 <= number_of(name) < 2**63 for name in names)
    assert number_of("run/a") == 4500245505925949060
