"""Holding out videos of a labelled collection, class by class."""

from collections import Counter

import pytest

from iic_ptv.data.hold_out import hold_out
from iic_ptv.data.index import Video, VideoIndex


def collection(sizes: list[int], prefix: str = "") -> VideoIndex:
    """As many videos of each class as ``sizes`` say."""
    return VideoIndex(
        Video(f"{prefix}{label}/{n}.mp4", f"{n}.mp4", label, f"{prefix}{label}/{n}")
        for label, size in enumerate(sizes)
        for n in range(size)
    )


def held_of_classes(sizes: list[int], number: int, seed: int = 0) -> list[int]:
    index = collection(sizes)
    stay, held = hold_out(index, number, seed)
    assert sorted(stay + held) == list(range(len(index)))
    assert stay == sorted(stay)
    assert held == sorted(held)
    counts = Counter(index.labels[held].tolist())
    return [counts[label] for label in range(len(sizes))]


@pytest.mark.parametrize(
    ("sizes", "number", "expected"),
    [
        ([10, 10, 10], 6, [2, 2, 2]),
        ([80, 10, 10], 10, [8, 1, 1]),
        ([6, 6, 6, 6, 6, 5], 7, [2, 1, 1, 1, 1, 1]),  # what is left over goes to the first of the largest remainders
        ([1, 1, 8], 5, [0, 0, 5]),  # one of each class stays
        ([2, 2, 2], 99, [1, 1, 1]),
        ([1, 1, 1], 2, [0, 0, 0]),
        ([5, 5], 0, [0, 0]),
        ([3, 30], 3, [0, 3]),
    ],
)
def test_every_class_gives_its_share_and_keeps_a_video(sizes, number, expected) -> None:
    assert held_of_classes(sizes, number) == expected


def test_the_paper_s_share_of_ucf101() -> None:
    """800 of 9,537 videos of 101 classes: from each within one video of its exact share."""
    sizes = [72 + (37 * label) % 50 for label in range(101)]
    held = held_of_classes(sizes, 800)
    assert sum(held) == 800
    assert all(abs(count - 800 * size / sum(sizes)) < 1 for count, size in zip(held, sizes, strict=True))


def test_the_draw_hangs_on_seed_and_keys_alone() -> None:
    index = collection([40, 40])
    keys = [{index.keys[row] for row in hold_out(index, 16, seed)[1]} for seed in (0, 0, 1)]
    assert keys[0] == keys[1] != keys[2]
    backwards = VideoIndex(reversed(list(index)))
    assert {backwards.keys[row] for row in hold_out(backwards, 16)[1]} == keys[0]
