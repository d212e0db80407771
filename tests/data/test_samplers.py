"""The order of training."""

import pytest

from iic_ptv.data.randomness import ClipRequest
from iic_ptv.data.samplers import EpochSampler


def rows(sampler: EpochSampler) -> list[int]:
    return [request.video_index for request in sampler]


def test_every_video_once_per_epoch_in_a_new_order() -> None:
    sampler = EpochSampler(50, seed=1)
    orders = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        requests = list(sampler)
        assert requests == [ClipRequest(epoch, request.video_index, 0, 0) for request in requests]
        orders.append([request.video_index for request in requests])
        assert sorted(orders[-1]) == list(range(50))
    assert orders[0] != orders[1] != orders[2] != list(range(50))


def test_order_depends_on_seed_and_epoch_alone() -> None:
    one, two = EpochSampler(20, seed=1), EpochSampler(20, seed=1)
    rows(one), rows(one)
    one.set_epoch(4)
    two.set_epoch(4)
    assert rows(one) == rows(two) == rows(one)
    other = EpochSampler(20, seed=2)
    other.set_epoch(4)
    assert rows(other) != rows(one)


def test_unshuffled() -> None:
    assert rows(EpochSampler(5, shuffle=False)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("num_videos", "num_replicas"), [(12, 3), (13, 3), (14, 3), (2, 5), (7, 1)])
def test_ranks_share_an_epoch(num_videos: int, num_replicas: int) -> None:
    whole = rows(EpochSampler(num_videos, seed=3))
    ranks = [EpochSampler(num_videos, seed=3, num_replicas=num_replicas, rank=rank) for rank in range(num_replicas)]
    shares = [rows(rank) for rank in ranks]
    per_rank = -(-num_videos // num_replicas)
    assert [len(share) for share in shares] == [len(rank) for rank in ranks] == [per_rank] * num_replicas
    together = [share[step] for step in range(per_rank) for share in shares]
    assert together[:num_videos] == whole, "the ranks interleave the order of a single process"
    assert set(together) == set(range(num_videos))


def test_skip_first_fast_forwards_the_next_pass_only() -> None:
    sampler = EpochSampler(10, seed=0)
    whole = rows(sampler)
    sampler.skip_first(4)
    assert len(sampler) == 10
    assert rows(sampler) == whole[4:]
    assert rows(sampler) == whole


def test_skip_first_counts_the_samples_of_a_rank() -> None:
    sampler = EpochSampler(10, seed=0, num_replicas=2, rank=1)
    whole = rows(sampler)
    sampler.skip_first(3)
    assert rows(sampler) == whole[3:]
