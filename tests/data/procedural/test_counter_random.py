import pytest
import torch

from iic_ptv.data.procedural.counter_random import GOLDEN_GAMMA, CounterRandom, splitmix64


def test_splitmix64_gives_the_published_sequence():
    # The first outputs of the reference implementation for seed 1234567.
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    states = 1234567 + GOLDEN_GAMMA * torch.arange(1, 5)
    assert [number % 2**64 for number in splitmix64(states).tolist()] == published


def test_a_video_keeps_its_numbers_in_any_batch():
    seeds = torch.tensor([5, 6, 7])
    together = CounterRandom(seeds)
    alone = CounterRandom(seeds[1:2])
    for shape in [(), (3,), (2, 4)]:
        assert torch.equal(together.uniform(*shape)[1:2], alone.uniform(*shape))


def test_numbers_of_neighbouring_seeds_and_counters_are_uniform_and_unrelated():
    numbers = CounterRandom(torch.arange(400)).uniform(500, low=-1.0, high=1.0)
    assert numbers.min() >= -1.0
    assert numbers.max() < 1.0
    histogram = torch.histc(numbers, bins=20, min=-1.0, max=1.0)
    expected = numbers.numel() / 20
    chi_square = ((histogram - expected) ** 2 / expected).sum()
    assert chi_square < 43.8  # 0.1 % quantile at 19 degrees of freedom
    for shifted in (numbers.roll(1, 0), numbers.roll(1, 1)):
        correlation = (numbers * shifted).mean() * 3.0
        assert abs(correlation) < 4.0 / numbers.numel() ** 0.5


@pytest.mark.parametrize("high", [2, 8])
def test_integers_cover_their_range_evenly(high):
    counts = torch.bincount(CounterRandom(torch.arange(8000)).integers(high=high), minlength=high)
    assert len(counts) == high
    assert ((counts - 8000 / high).abs() < 4.0 * (8000 / high) ** 0.5).all()
    assert set(CounterRandom(torch.arange(50)).signs().tolist()) == {-1.0, 1.0}
