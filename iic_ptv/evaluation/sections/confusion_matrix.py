"""A confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.evaluation.sections.section import Section

WIDTH = 520  # pixels of the matrix, if its cells are neither too small nor too large then
SMALLEST_CELL, LARGEST_CELL = 9, 56  # pixels; names beside smaller cells could not be read
SMALLEST_CELL_WITH_COUNT = 20  # pixels
SHOWN_CONFUSIONS = 8
LARGEST_FONT = 11  # pixels
CHARACTER_WIDTH = 0.57  # of the font size, about
FAINTEST = 0.15  # shade of a cell that is not empty
LONGEST_LABEL = 24  # characters; longer names are cut short


@dataclass(frozen=True)
class Cell:
    """Videos of one class that were taken for another, or for their own.

    Attributes:
        row: the true class.
        column: the class they were taken for.
        count: how many.
        share: of the videos of the true class, in [0, 1].
    """

    row: int
    column: int
    count: int
    share: float

    @property
    def shade(self) -> float:
        """How dark it is, in [0, 1]."""
        return FAINTEST + (1 - FAINTEST) * self.share


@dataclass(frozen=True, eq=False)
class ConfusionMatrix(Section):
    """Which classes are taken for which.

    Attributes:
        confusion: ``(C, C)`` counts; rows are true classes, columns predicted ones.
        class_names: C names.
        title: the heading.

    Raises:
        InputError: the matrix does not fit the names.
    """

    confusion: Tensor
    class_names: Sequence[str]
    title: str = "Confusion matrix"

    name = "confusion_matrix"

    def __post_init__(self) -> None:
        size = len(self.class_names)
        if self.confusion.shape != (size, size):
            raise InputError(
                f"confusion: expected {(size, size)}, a row and a column for each of the {size} class names; "
                f"got {tuple(self.confusion.shape)}."
            )

    @property
    def cells(self) -> list[Cell]:
        """All cells that are not empty, row by row."""
        totals = self.confusion.sum(dim=1).tolist()
        filled = self.confusion.nonzero().tolist()
        counts = self.confusion[self.confusion != 0].tolist()
        return [
            Cell(row, column, int(count), count / totals[row])
            for (row, column), count in zip(filled, counts, strict=True)
        ]

    @property
    def greatest_confusions(self) -> list[Cell]:
        """Which class is most often taken for which other, by the share of its videos."""
        wrong = [cell for cell in self.cells if cell.row != cell.column]
        return sorted(wrong, key=lambda cell: (-cell.share, -cell.count))[:SHOWN_CONFUSIONS]

    @property
    def labels(self) -> list[str]:
        """The names as they stand beside the matrix, long ones cut short."""
        return [name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…" for name in self.class_names]

    @property
    def cell_size(self) -> int:
        """Pixels."""
        return min(max(WIDTH // len(self.class_names), SMALLEST_CELL), LARGEST_CELL)

    @property
    def has_counts(self) -> bool:
        """Whether the cells are large enough for their counts."""
        return self.cell_size >= SMALLEST_CELL_WITH_COUNT

    @property
    def label_size(self) -> float:
        """Pixels that the longest label takes."""
        return 10 + CHARACTER_WIDTH * self.font_size * max(map(len, self.labels), default=0)

    @property
    def font_size(self) -> int:
        """Pixels; the names of neighbouring classes must not touch."""
        return min(self.cell_size, LARGEST_FONT)
