"""Similarities of everything with everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.evaluation.sections.section import Section


@dataclass(frozen=True, eq=False)
class SimilarityMatrix(Section):
    """Cosine similarities between clips.

    Attributes:
        similarity: ``(N, N)``, in [-1, 1].
        labels: what the N clips are.
        title: the heading.
        note: what is to be known to read it.

    Raises:
        InputError: the matrix does not fit the labels.
    """

    similarity: Tensor
    labels: Sequence[str]
    title: str = "Cosine similarities"
    note: str = ""

    name = "similarity_matrix"

    def __post_init__(self) -> None:
        size = len(self.labels)
        if self.similarity.shape != (size, size):
            raise InputError(
                f"similarity: expected {(size, size)} for {size} labels, got {tuple(self.similarity.shape)}."
            )

    @property
    def rows(self) -> list[list[float]]:
        """The similarities, row by row."""
        return self.similarity.tolist()

    def shade(self, value: float) -> float:
        """How dark a cell is, in [0, 1]: the features of many networks are all alike, so that only the range tells."""
        low = float(self.similarity.min())
        return (value - low) / (1 - low) if low < 1 else 1.0
