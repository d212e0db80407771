"""Queries and what each network finds for them, for the report's gallery."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from iic_ptv.evaluation.features import VideoFeatures
from iic_ptv.evaluation.retrieval import nearest_neighbours
from iic_ptv.evaluation.sections import FilmStrip, GalleryRow


def gallery_rows(
    queries: Mapping[str, VideoFeatures],
    galleries: Mapping[str, VideoFeatures],
    query_clip: Callable[[int], Tensor],
    gallery_clip: Callable[[int], Tensor],
    class_names: Sequence[str],
    num_queries: int = 6,
    num_neighbours: int = 3,
) -> list[GalleryRow]:
    """Let every network answer the same queries: the first video of each of ``num_queries`` evenly spaced classes.

    The choice does not look at the results, so that a reader may take the rows for typical.

    Args:
        queries: every network's features of the test videos, by the network's label.
        galleries: every network's features of the training videos, by the network's label.
        query_clip: the clip ``(3, T, H, W)`` to show for a test video, by its row in the features.
        gallery_clip: the same for a training video.
        class_names: the name of every label.
        num_queries: rows to make; fewer if there are fewer classes.
        num_neighbours: nearest neighbours per network and row.
    """
    videos = next(iter(queries.values()))
    shown = _first_of_classes(videos.labels, num_queries)
    found = {
        name: nearest_neighbours(queries[name].features[shown], galleries[name].features, num_neighbours)
        for name in queries
    }

    def answers(network: str, row: int, label: int) -> list[FilmStrip]:
        gallery = galleries[network]
        similarity, index = found[network]
        return [
            FilmStrip(
                gallery_clip(i),
                class_names[int(gallery.labels[i])],
                gallery.names[i],
                similarity=s,
                correct=int(gallery.labels[i]) == label,
            )
            for s, i in zip(similarity[row].tolist(), index[row].tolist(), strict=True)
        ]

    return [
        GalleryRow(
            FilmStrip(query_clip(video), class_names[int(videos.labels[video])], videos.names[video]),
            {network: answers(network, row, int(videos.labels[video])) for network in queries},
        )
        for row, video in enumerate(shown)
    ]


def _first_of_classes(labels: Tensor, count: int) -> list[int]:
    """Row of the first video of each of ``count`` evenly spaced classes."""
    classes = labels.unique()
    chosen = torch.linspace(0, len(classes) - 1, min(count, len(classes))).round().long()
    return [int((labels == label).nonzero()[0]) for label in classes[chosen]]
