"""Retrieval: embed a gallery and queries with one network, in every view and jointly, and score the search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fvcore.common.config import CfgNode
from torch import nn

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.index import VideoIndex
from iic_ptv.errors import InputError
from iic_ptv.evaluation.features import VideoFeatures, extract_view_features, join
from iic_ptv.evaluation.retrieval import PAPER_KS, chance_level, retrieval_accuracy
from iic_ptv.runs.build import EVALUATION_SUBSETS, build_evaluation_loader, build_index, build_views, evaluation_device

JOINT = "joint"


@dataclass(frozen=True)
class Retrieved:
    """What a network retrieves.

    Attributes:
        accuracy: top-k accuracy in [0, 1] by k, by view; ``"joint"`` beside the views if there are several.
        chance: the same for a random ranking, by k.
        gallery: features of the videos searched in, by view.
        query: features of the videos searched with, by view.
    """

    accuracy: dict[str, dict[int, float]]
    chance: dict[int, float]
    gallery: dict[str, VideoFeatures]
    query: dict[str, VideoFeatures]

    def metrics(self) -> dict[str, Any]:
        """Plain numbers for ``metrics.json``: ``top1``, ``top5``, ... of every view."""
        return {view: top_k(accuracy) for view, accuracy in self.accuracy.items()}


def top_k(accuracy: Mapping[int, float]) -> dict[str, float]:
    """``{1: a, 5: b}`` as ``{"top1": a, "top5": b}``."""
    return {f"top{k}": round(value, 4) for k, value in accuracy.items()}


def evaluation_indices(cfg: CfgNode) -> tuple[VideoIndex, VideoIndex]:
    """The videos to search in and those to search with.

    Raises:
        InputError: no queries are named or found, or videos have no labels to tell a hit by.
    """
    subset = EVALUATION_SUBSETS.get(cfg.DATA.KIND)
    if not cfg.EVAL.QUERY and subset is None:
        raise InputError("EVAL.QUERY: name the videos to search with, a list or a folder, for example with --query.")
    gallery = build_index(cfg, cfg.EVAL.GALLERY or None)
    query = build_index(cfg, cfg.EVAL.QUERY or None, subset)
    if not cfg.EVAL.QUERY and gallery.paths == query.paths:
        raise InputError(
            f"EVAL.QUERY: '{cfg.DATA.ROOT}' has no part called {subset} apart from the videos to search in; "
            "name the videos to search with, for example with --query."
        )
    for key, index in (("EVAL.GALLERY", gallery), ("EVAL.QUERY", query)):
        if int(index.labels.min()) < 0:
            raise InputError(f"{key}: hits are told by class, but some videos have none; use class folders or lists.")
    if gallery.class_names and query.class_names:
        query = query.relabelled(gallery.class_names)
    return gallery, query


def retrieve(
    cfg: CfgNode,
    networks: nn.ModuleList,
    gallery: VideoIndex,
    query: VideoIndex,
    bad_videos: BadVideoLog,
    progress: bool = True,
) -> Retrieved:
    """Score the retrieval of ``query`` in ``gallery`` by the paper's protocol: mean over clips, cosine, top-k.

    Args:
        cfg: the configuration, for clips, views and batch sizes.
        networks: the backbone, or one per view of the pre-training.
        gallery: the videos to search in.
        query: the videos to search with.
        bad_videos: where unreadable videos are recorded; they are left out.
        progress: show progress bars.
    """
    names = list(dict.fromkeys(cfg.EVAL.VIEWS or cfg.VIEWS))
    views = dict(zip(names, build_views(names), strict=True))
    models = {name: networks[_network_number(cfg, name, len(networks))] for name in views}
    for network in networks:
        network.features = cfg.EVAL.FEATURES

    def embed(index: VideoIndex) -> dict[str, VideoFeatures]:
        batches, transform = build_evaluation_loader(cfg, index, names, bad_videos)
        features = extract_view_features(models, batches, views, evaluation_device(cfg), progress, transform)
        return {**features, JOINT: join(list(features.values()))} if len(features) > 1 else features

    in_gallery, in_query = embed(gallery), embed(query)
    accuracy = {
        view: retrieval_accuracy(
            in_query[view].features, in_query[view].labels, in_gallery[view].features, in_gallery[view].labels
        )
        for view in in_query
    }
    first = next(iter(in_query))
    return Retrieved(
        accuracy, chance_level(in_query[first].labels, in_gallery[first].labels, PAPER_KS), in_gallery, in_query
    )


def _network_number(cfg: CfgNode, view: str, count: int) -> int:
    """Which network embeds a view: the only one, or the one that was trained on it."""
    if count == 1:
        return 0
    if view not in cfg.VIEWS:
        raise InputError(f"EVAL.VIEWS: MODEL.PER_VIEW made networks for {', '.join(cfg.VIEWS)}, not for {view}.")
    return cfg.VIEWS.index(view)
