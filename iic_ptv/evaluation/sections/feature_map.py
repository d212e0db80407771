"""A map of features, on which videos lie near each other that a network finds similar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.evaluation.sections.film_strip import FilmStrip
from iic_ptv.evaluation.sections.section import Section

ASPECT = 1.5  # width over height
MARGIN = 4.0  # per cent of the height, around the points
NO_CLASS = -1


@dataclass(frozen=True)
class ClassOnMap:
    """The points of one class.

    Attributes:
        name: the class.
        hue: of its colour, in degrees.
        points: ``(x, y)`` from the top left corner, in per cent.
    """

    name: str
    hue: float
    points: list[tuple[float, float]]


@dataclass(frozen=True, eq=False)
class PointWithClip:
    """A point that shows its clip when pointed at.

    Attributes:
        x: from the left, in per cent.
        y: from the top, in per cent.
        strip: the clip.
    """

    x: float
    y: float
    strip: FilmStrip


@dataclass(frozen=True, eq=False)
class FeatureMap(Section):
    """Features in two dimensions, coloured by class.

    Attributes:
        points: ``(N, 2)`` float, finite.
        labels: ``(N,)`` long; -1 for none.
        class_names: the name of every label; may be empty if there are none.
        names: the videos' names.
        clips: ``(3, T, H, W)`` by row: what to show when one points at it. They make the page large: a hundred are
            about 2 MB.
        title: the heading.
        note: how the map was made.

    Raises:
        InputError: points, labels and names differ in number, or a point is not finite.
    """

    points: Tensor
    labels: Tensor
    class_names: Sequence[str]
    names: Sequence[str]
    clips: Mapping[int, Tensor] = field(default_factory=dict)
    title: str = "Map of the features"
    note: str = ""

    name = "feature_map"
    aspect = ASPECT

    def __post_init__(self) -> None:
        if not self.points.shape == (len(self.names), 2) or self.labels.shape != (len(self.names),):
            raise InputError(
                f"points and labels: expected {(len(self.names), 2)} and {(len(self.names),)} for {len(self.names)} "
                f"names; got {tuple(self.points.shape)} and {tuple(self.labels.shape)}."
            )
        if not self.points.isfinite().all():
            raise InputError("points: some are NaN or infinite.")

    @property
    def classes(self) -> list[ClassOnMap]:
        """The classes that occur, in the order of their labels, their hues spread over the circle."""
        present = self._present
        places = self._places
        return [
            ClassOnMap(
                self._class_name(label),
                360 * number / len(present),
                [(x, y) for x, y in places[self.labels == label].tolist()],
            )
            for number, label in enumerate(present)
        ]

    @property
    def points_with_clips(self) -> list[PointWithClip]:
        """The points that have a clip."""
        places, labels = self._places.tolist(), self.labels.tolist()
        return [
            PointWithClip(
                places[row][0], places[row][1], FilmStrip(clip, self._class_name(labels[row]), self.names[row])
            )
            for row, clip in self.clips.items()
        ]

    @property
    def _present(self) -> list[int]:
        return self.labels.unique().tolist()

    def _class_name(self, label: int) -> str:
        return "no class" if label == NO_CLASS else self.class_names[label]

    @property
    def _places(self) -> Tensor:
        """``(N, 2)`` from the top left corner, in per cent; a unit is as long in one direction as in the other."""
        points = self.points.double()
        low, high = points.min(dim=0).values, points.max(dim=0).values
        extent = high - low
        unit = max(float(extent[0]) / ASPECT, float(extent[1])) or 1.0
        centred = (points - (low + high) / 2) / unit * (100 - 2 * MARGIN)
        return 50 + centred * torch.tensor([1 / ASPECT, -1.0])
