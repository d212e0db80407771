"""The order of training."""

import pytest

from iic_ptv.data.randomness import ClipRequest
from iic_ptv.data.samplers import EpochBatches, num_batches


def rows(batches: EpochBatches) -> list[int]:
    return [request.video_index for batch in batches for request in batch]


def test_every_video_once_per_epoch_in_a_new_order() -> None:
    sampler = EpochBatches(50, 4, seed=1)
    orders = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        requests = [request for batch in sampler for request in batch]
        assert requests == [ClipRequest(epoch, request.video_index, 0, 0) for request in requests]
        orders.append([request.video_index for request in requests])
        assert sorted(orders[-1]) == list(range(50))
    assert orders[0] != orders[1] != orders[2] != list(range(50))


def test_order_depends_on_seed_and_epoch_alone() -> None:
    one, two = EpochBatches(20, 4, seed=1), EpochBatches(20, 4, seed=1)
    rows(one), rows(one)
    one.set_epoch(4)
    two.set_epoch(4)
    assert rows(one) == rows(two) == rows(one)
    other = EpochBatches(20, 4, seed=2)
    other.set_epoch(4)
    assert rows(other) != rows(one)


def test_unshuffled() -> None:
    assert rows(EpochBatches(5, 4, shuffle=False)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("num_videos", "num_replicas"), [(12, 3), (13, 3), (14, 3), (2, 5), (7, 1)])
def test_ranks_share_an_epoch(num_videos: int, num_replicas: int) -> None:
    whole = rows(EpochBatches(num_videos, 4, seed=3))
    shares = [
        rows(EpochBatches(num_videos, 4, seed=3, num_replicas=num_replicas, rank=rank)) for rank in range(num_replicas)
    ]
    together = [share[step] for step in range(-(-num_videos // num_replicas)) for share in shares]
    assert together[:num_videos] == whole, "the ranks interleave the order of a single process"
    assert set(together) == set(range(num_videos))


@pytest.mark.parametrize("num_replicas", [1, 2, 3])
@pytest.mark.parametrize("batch_size", [1, 4, 16, 50])
@pytest.mark.parametrize("num_videos", [1, 13, 32, 50])
def test_batches_of_an_epoch_leave_nothing_out(num_videos: int, batch_size: int, num_replicas: int) -> None:
    samplers = [
        EpochBatches(num_videos, batch_size, seed=3, num_replicas=num_replicas, rank=rank)
        for rank in range(num_replicas)
    ]
    shares = [list(sampler) for sampler in samplers]
    sizes = [[len(batch) for batch in share] for share in shares]
    assert sizes == [sizes[0]] * num_replicas, "processes that train together take equally many at each step"
    assert max(sizes[0]) <= batch_size
    assert max(sizes[0]) - min(sizes[0]) <= 1
    assert len(sizes[0]) == len(samplers[0]) == num_batches(-(-num_videos // num_replicas), batch_size)
    visits = [request.video_index for share in shares for batch in share for request in batch]
    assert set(visits) == set(range(num_videos))
    assert len(visits) - num_videos == samplers[0].num_repeated < num_replicas


@pytest.mark.parametrize("skipped", [0, 1, 3, 4])
def test_skip_first_fast_forwards_the_next_pass_only(skipped: int) -> None:
    batches = EpochBatches(10, batch_size=2, seed=0, num_replicas=2, rank=1)
    whole = list(batches)
    assert len(whole) == 3
    batches.skip_first(skipped)
    assert len(batches) == 3
    assert list(batches) == whole[skipped:]
    assert list(batches) == whole
