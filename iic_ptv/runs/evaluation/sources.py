"""The two sides of an evaluation: what is searched in, the gallery, and what is searched with, the queries.

Each is a set of videos that are still to be embedded, or a file with their features.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from fvcore.common.config import CfgNode
from torch import Tensor

from iic_ptv.data.index import NO_LABEL, VideoIndex
from iic_ptv.errors import InputError
from iic_ptv.evaluation.feature_file import EXTENSION, FeatureFile, read_features
from iic_ptv.runs.build import EVALUATION_SUBSETS, build_index, known_bad_videos, without


@dataclass(frozen=True, eq=False)
class FeatureSource:
    """Videos whose features are in a file.

    Attributes:
        path: the file.
        file: what it holds.
    """

    path: str
    file: FeatureFile

    @property
    def labels(self) -> Tensor:
        """The classes, ``(N,)``; -1 for none."""
        return next(iter(self.file.views.values())).labels

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in the order of their labels, if known."""
        return next(iter(self.file.views.values())).class_names

    def relabelled(self, class_names: Sequence[str]) -> FeatureSource:
        """The same videos with labels that number ``class_names``.

        Raises:
            InputError: a video is of a class that is not among them.
        """
        number = {name: label for label, name in enumerate(class_names)}
        own = self.class_names
        occurring = sorted({int(label) for label in self.labels if label != NO_LABEL})
        if unknown := [own[label] for label in occurring if own[label] not in number]:
            raise InputError(f"These classes of one collection are not in the other: {', '.join(unknown)}.")
        new = torch.tensor([number.get(name, NO_LABEL) for name in own] + [NO_LABEL])  # -1 finds the last
        views = {
            name: replace(view, labels=new[view.labels], class_names=tuple(class_names))
            for name, view in self.file.views.items()
        }
        return replace(self, file=replace(self.file, views=views))


Source = VideoIndex | FeatureSource


@dataclass(frozen=True, eq=False)
class Sources:
    """Both sides.

    Attributes:
        gallery: what is searched in.
        query: what is searched with, its labels those of the gallery.
        left_out: reasons by path of the videos that a check has found to be unreadable.
    """

    gallery: Source
    query: Source
    left_out: dict[str, str]

    @property
    def num_videos(self) -> int:
        """Videos that are to be decoded."""
        return sum(len(side) for side in (self.gallery, self.query) if isinstance(side, VideoIndex))

    def views_of_files(self) -> list[str]:
        """The views that all feature files among the sides hold; none if there is no file.

        Raises:
            InputError: two files have no view in common.
        """
        held = [list(side.file.views) for side in (self.gallery, self.query) if isinstance(side, FeatureSource)]
        common = [view for view in held[0] if view in held[-1]] if held else []
        if held and not common:
            raise InputError(
                f"EVAL.GALLERY, EVAL.QUERY: one file holds features of {', '.join(held[0])}, the other of "
                f"{', '.join(held[-1])}; extract both with the same views."
            )
        return common

    def num_known_queries(self) -> int:
        """Queries that are in the gallery, too, as far as files tell."""
        if not (isinstance(self.gallery, VideoIndex) and isinstance(self.query, VideoIndex)):
            return 0
        return len(_real_paths(self.query) & _real_paths(self.gallery))

    def missing_classes(self) -> list[str]:
        """Classes of queries that no gallery video has: their queries cannot be found."""
        names, held = self.query.class_names, set(self.gallery.labels.tolist())
        return [
            names[label] if names else str(label) for label in self.query.labels.unique().tolist() if label not in held
        ]


def _real_paths(index: VideoIndex) -> set[str]:
    return set(map(os.path.realpath, index.paths))


def evaluation_sources(cfg: CfgNode) -> Sources:
    """The gallery and the queries of ``EVAL.GALLERY`` and ``EVAL.QUERY``: lists, a folder, or a feature file each.

    Videos that ``iic check-data`` has found to be unreadable are left out.

    Raises:
        InputError: no queries are named or found, a file cannot be read, or videos have no labels to tell a hit by.
    """
    gallery, query = with_the_same_labels(read_source(cfg, "GALLERY"), read_source(cfg, "QUERY"))
    bad = {**_known_bad(cfg, gallery), **_known_bad(cfg, query)}
    return Sources(_without(gallery, bad), _without(query, bad), bad)


def _known_bad(cfg: CfgNode, source: Source) -> dict[str, str]:
    return known_bad_videos(cfg, source) if isinstance(source, VideoIndex) else {}


def _without(source: Source, bad: dict[str, str]) -> Source:
    return without(source, bad) if isinstance(source, VideoIndex) else source


def evaluation_indices(cfg: CfgNode) -> tuple[VideoIndex, VideoIndex]:
    """The videos to search in and those to search with, both to be decoded.

    Raises:
        InputError: as :func:`evaluation_sources`; or one of them is a feature file.
    """
    sources = evaluation_sources(cfg)
    if not (isinstance(sources.gallery, VideoIndex) and isinstance(sources.query, VideoIndex)):
        raise InputError("EVAL.GALLERY, EVAL.QUERY: videos are needed here, not their features.")
    return sources.gallery, sources.query


def read_source(cfg: CfgNode, key: str) -> Source:
    """One side: ``key`` is "GALLERY" or "QUERY"."""
    named = list(cfg.EVAL[key])
    if any(name.endswith(EXTENSION) for name in named):
        if len(named) > 1:
            raise InputError(f"EVAL.{key}: name one feature file alone, not {', '.join(named)}.")
        return FeatureSource(named[0], read_features(named[0]))
    if key == "GALLERY" or named:
        return build_index(cfg, named or None)
    subset = EVALUATION_SUBSETS.get(cfg.DATA.KIND)
    if subset is None:
        raise InputError("EVAL.QUERY: name the videos to search with, a list or a folder, for example with --query.")
    query = build_index(cfg, None, subset)
    if query.paths == build_index(cfg, None).paths:
        raise InputError(
            f"EVAL.QUERY: '{cfg.DATA.ROOT}' has no part called {subset} apart from the videos to search in; "
            "name the videos to search with, for example with --query."
        )
    return query


def with_the_same_labels(gallery: Source, query: Source) -> tuple[Source, Source]:
    """Both sides with labels that mean the same classes.

    Raises:
        InputError: videos have no labels, or gallery and queries have no class in common.
    """
    for key, side in (("EVAL.GALLERY", gallery), ("EVAL.QUERY", query)):
        if int(side.labels.min()) == NO_LABEL:
            raise InputError(f"{key}: hits are told by class, but some videos have none; use class folders or lists.")
    if gallery.class_names and query.class_names:
        names = list(dict.fromkeys((*gallery.class_names, *query.class_names)))
        gallery, query = gallery.relabelled(names), query.relabelled(names)
    if not set(gallery.labels.tolist()) & set(query.labels.tolist()):
        raise InputError(
            f"EVAL.QUERY: no query is of a class that the gallery has; its classes are "
            f"{', '.join(gallery.class_names[:5]) or 'other numbers'}."
        )
    return gallery, query
