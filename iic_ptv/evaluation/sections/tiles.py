"""Key figures in large type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iic_ptv.evaluation.sections.section import Section


@dataclass(frozen=True)
class Tile:
    """A key figure.

    Attributes:
        label: what it is, or whose.
        value: the figure, as it is to be read.
        note: what it counts or compares to.
        colour: the label of a network, whose colour it takes; neutral if empty.
        unit: what stands behind the value, in small type.
    """

    label: str
    value: str
    note: str = ""
    colour: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Tiles(Section):
    """A row of key figures.

    Attributes:
        tiles: the figures, most important first.
    """

    tiles: Sequence[Tile]

    name = "tiles"


def top_k_tiles(accuracy: Mapping[str, Mapping[int, float]], chance: Mapping[int, float], k: int = 1) -> Tiles:
    """Every network's top-k retrieval accuracy beside chance.

    Args:
        accuracy: in [0, 1], by k, by the label of the network.
        chance: accuracy of a random ranking, by k.
        k: which of them.

    Example:
        >>> top_k_tiles({"IIC": {1: 0.625}}, {1: 0.125}).tiles[0].note
        'top-1 retrieval, 5.0 × chance'
    """

    def note(value: float) -> str:
        return f"top-{k} retrieval" + (f", {value / chance[k]:.1f} × chance" if chance.get(k) else "")

    tiles = [
        Tile(label, f"{100 * values[k]:.1f}", note(values[k]), colour=label, unit="%")
        for label, values in accuracy.items()
    ]
    if k in chance:
        tiles.append(Tile("Chance", f"{100 * chance[k]:.1f}", f"a random ranking, top-{k}", unit="%"))
    return Tiles(tiles)
