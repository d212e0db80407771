"""Retrieval: embed a gallery and queries with one network, in every view and jointly, and score the search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fvcore.common.config import CfgNode
from torch import nn

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.index import VideoIndex
from iic_ptv.evaluation.average_precision import mean_average_precision
from iic_ptv.evaluation.features import VideoFeatures
from iic_ptv.evaluation.retrieval import PAPER_KS, chance_level, retrieval_accuracy
from iic_ptv.runs.evaluation.embed import Views, embed, with_joint

NETWORK = "network"


@dataclass(frozen=True)
class Retrieved:
    """What a network retrieves.

    Attributes:
        accuracy: top-k accuracy in [0, 1] by k, by view; ``"joint"`` beside the views if there are several.
        average_precision: mAP in [0, 1] by view.
        chance: the accuracy of a random ranking, by k.
        gallery: features of the videos searched in, by view.
        query: features of the videos searched with, by view.
    """

    accuracy: dict[str, dict[int, float]]
    average_precision: dict[str, float]
    chance: dict[int, float]
    gallery: Views
    query: Views

    @property
    def overall(self) -> str:
        """The view that stands for all: the joint one, if there are several."""
        return next(reversed(self.accuracy))

    def metrics(self) -> dict[str, Any]:
        """Plain numbers for ``metrics.json``: ``top1``, ``top5``, ..., ``map`` of every view."""
        return {
            view: {**top_k(accuracy), "map": round(self.average_precision[view], 4)}
            for view, accuracy in self.accuracy.items()
        }


def top_k(accuracy: Mapping[int, float]) -> dict[str, float]:
    """``{1: a, 5: b}`` as ``{"top1": a, "top5": b}``."""
    return {f"top{k}": round(value, 4) for k, value in accuracy.items()}


def retrieve(
    cfg: CfgNode,
    networks: nn.ModuleList,
    gallery: VideoIndex,
    query: VideoIndex,
    bad_videos: BadVideoLog,
    progress: bool | None = None,
) -> Retrieved:
    """Score the retrieval of ``query`` in ``gallery`` by the paper's protocol: mean over clips, cosine, top-k.

    Args:
        cfg: the configuration, for clips, views and batch sizes.
        networks: the backbone, or one per view of the pre-training.
        gallery: the videos to search in.
        query: the videos to search with.
        bad_videos: where unreadable videos are recorded; they are left out.
        progress: show progress bars; None: on a terminal.
    """
    sides = (embed(cfg, {NETWORK: networks}, index, bad_videos, progress)[0][NETWORK] for index in (gallery, query))
    return score_retrieval(*sides)


def score_retrieval(gallery: Views, query: Views) -> Retrieved:
    """Score the search in every view, and in all of them jointly.

    Args:
        gallery: features of the videos to search in, by view.
        query: features of the videos to search with, of the same views.
    """
    gallery, query = with_joint(gallery), with_joint(query)
    pairs = {view: _tensors(query[view]) + _tensors(gallery[view]) for view in query}
    first = next(iter(query))
    return Retrieved(
        {view: retrieval_accuracy(*tensors) for view, tensors in pairs.items()},
        {view: mean_average_precision(*tensors) for view, tensors in pairs.items()},
        chance_level(query[first].labels, gallery[first].labels, PAPER_KS),
        gallery,
        query,
    )


def _tensors(videos: VideoFeatures) -> tuple[Any, Any]:
    return videos.features, videos.labels
