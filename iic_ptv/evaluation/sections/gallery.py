"""Queries and what is found for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iic_ptv.evaluation.sections.film_strip import FilmStrip
from iic_ptv.evaluation.sections.section import Section


@dataclass(frozen=True, eq=False)
class GalleryRow:
    """A query and what the networks find for it.

    Attributes:
        query: the query.
        neighbours: nearest neighbours, nearest first, by the label of the network that finds them.
    """

    query: FilmStrip
    neighbours: Mapping[str, Sequence[FilmStrip]]


@dataclass(frozen=True, eq=False)
class Gallery(Section):
    """Queries with their nearest neighbours, as film strips that play when pointed at.

    Attributes:
        rows: the queries.
        note: how they were chosen.
        title: the heading.
    """

    rows: Sequence[GalleryRow]
    note: str = ""
    title: str = "Queries and their nearest neighbours"

    name = "gallery"
