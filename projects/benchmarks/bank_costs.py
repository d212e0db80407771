"""What memory banks cost where nobody measures, by formula: memory, the traffic of a step, and a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

FLOAT, NUMBER = 4, 8  # bytes of a value of a row, and of the number of a row or a count


@dataclass(frozen=True)
class Costs:
    """Bytes of one process.

    Attributes:
        memory: its rows.
        lookup: what it receives in a step to look rows up, at most.
        update: what it receives in a step to update its rows, on average.
        checkpoint: what it writes; with replicated banks only the first process does.
    """

    memory: float
    lookup: float
    update: float
    checkpoint: float


def replicated(
    videos: int, processes: int, feature_dim: int, batch: int = 16, negatives: int = 1024, num_banks: int = 3
) -> Costs:
    """Every process holds all rows, and gets the features of all others."""
    row = FLOAT * num_banks * feature_dim
    return Costs(videos * row, 0, (processes - 1) * batch * (row + NUMBER), videos * row)


def sharded(
    videos: int, processes: int, feature_dim: int, batch: int = 16, negatives: int = 1024, num_banks: int = 3
) -> Costs:
    """Every process holds its share; what it draws and what it learns is as often another's as there are others."""
    row = FLOAT * num_banks * feature_dim
    others, counts = (processes - 1) / processes, NUMBER * (processes - 1)
    drawn = batch * (negatives + 1)
    # The rows that it draws, and the requests of others for as many, which are as many numbers.
    lookup = others * drawn * (row + NUMBER) + counts
    update = others * batch * (row + NUMBER) + counts
    return Costs(videos / processes * row, lookup, update, videos / processes * row)
