"""Holding out a part of a labelled collection, class by class."""

from __future__ import annotations

from collections import Counter, defaultdict

from iic_ptv.data.index import VideoIndex
from iic_ptv.randomness import number_of, seed_of


def hold_out(index: VideoIndex, num_videos: int, seed: int = 0) -> tuple[list[int], list[int]]:
    """Choose videos to hold out, of every class in proportion to its size, but never all of a class.

    Which of a class they are depends on the seed and the keys of its videos alone: adding videos to other classes
    changes nothing.

    Args:
        index: the labelled videos.
        num_videos: how many to hold out; fewer if one of each class must stay.
        seed: of the draw.

    Returns:
        The rows that stay and the rows that are held out, both in order.

    Example:
        >>> index = VideoIndex(Video(f"{n}.mp4", f"{n}.mp4", label=n % 2) for n in range(10))
        >>> stay, held_out = hold_out(index, 2)
        >>> [row % 2 for row in sorted(held_out, key=lambda row: row % 2)], len(stay)
        ([0, 1], 8)
    """
    rows: dict[int, list[int]] = defaultdict(list)
    for row, label in enumerate(index.labels.tolist()):
        rows[label].append(row)
    share = _shares({label: len(members) for label, members in rows.items()}, num_videos)
    keys = index.keys
    held_out: set[int] = set()
    for label, members in rows.items():
        drawn = sorted(members, key=lambda row: seed_of(seed, number_of(keys[row])))
        held_out.update(drawn[: share[label]])
    return [row for row in range(len(index)) if row not in held_out], sorted(held_out)


def _shares(sizes: dict[int, int], total: int) -> Counter[int]:
    """How many of each class: in proportion, what is left over going to the largest remainders, one of each staying."""
    total = min(total, sum(sizes.values()) - len(sizes))
    exact = {label: total * size / sum(sizes.values()) for label, size in sizes.items()}
    shares = Counter({label: min(int(exact[label]), sizes[label] - 1) for label in sizes})
    while missing := total - shares.total():
        open_classes = [label for label in sizes if shares[label] < sizes[label] - 1]
        open_classes.sort(key=lambda label: (shares[label] - exact[label], -sizes[label], label))
        shares.update(open_classes[:missing])
    return shares
