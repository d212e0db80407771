"""Features of a collection of videos as a run is configured: by network, by view, and of all views jointly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fvcore.common.config import CfgNode
from torch import nn

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.clips import Sample
from iic_ptv.data.index import VideoIndex
from iic_ptv.errors import InputError
from iic_ptv.evaluation.features import VideoFeatures, extract_view_features, join
from iic_ptv.runs.build import build_evaluation_loader, build_views, evaluation_device

JOINT = "joint"
Views = dict[str, VideoFeatures]


def embed(
    cfg: CfgNode,
    networks: Mapping[str, nn.ModuleList],
    index: VideoIndex,
    bad_videos: BadVideoLog,
    progress: bool | None = None,
) -> tuple[dict[str, Views], VideoIndex]:
    """Embed videos with several networks, decoding them once.

    Args:
        cfg: the configuration, for clips, views and batch sizes.
        networks: by name, the backbone, or one per view of the pre-training.
        index: the videos.
        bad_videos: where unreadable videos are recorded; they are left out.
        progress: show a progress bar; None: on a terminal.

    Returns:
        The features by network and view, in which videos are named by their keys; and the videos that could be read,
        in the order of their features.
    """
    names = evaluated_views(cfg)
    views, models = {}, {}
    for network, backbones in networks.items():
        for backbone in backbones:
            backbone.features = cfg.EVAL.FEATURES
        for name, view in zip(names, build_views(names), strict=True):
            views[f"{network}/{name}"] = view
            models[f"{network}/{name}"] = backbones[network_number(cfg, name, len(backbones))]
    batches, transform = build_evaluation_loader(cfg, index, names, bad_videos)
    rows: list[int] = []

    def noting_rows(batch: Sample) -> Sample:
        rows.extend(batch["video_index"].tolist())
        return transform(batch)

    found = extract_view_features(models, batches, views, evaluation_device(cfg), progress, noting_rows)
    read = VideoIndex((index[row] for row in rows), index.class_names)
    by_network = {
        network: {
            name: replace(found[f"{network}/{name}"], names=read.keys, class_names=index.class_names) for name in names
        }
        for network in networks
    }
    return by_network, read


def readable(index: VideoIndex, bad_videos: BadVideoLog) -> VideoIndex:
    """The videos that could be read, in the order of their features."""
    bad = set(bad_videos.read())
    return VideoIndex((video for video in index if video.path not in bad), index.class_names) if bad else index


def with_joint(views: Mapping[str, VideoFeatures]) -> Views:
    """The views, and if there are several, their joint features beside them."""
    return {**views, JOINT: join(list(views.values()))} if len(views) > 1 else dict(views)


def evaluated_views(cfg: CfgNode) -> list[str]:
    """The views to evaluate with, each once."""
    return list(dict.fromkeys(cfg.EVAL.VIEWS or cfg.VIEWS))


def network_number(cfg: CfgNode, view: str, count: int) -> int:
    """Which network embeds a view: the only one, or the one that was trained on it."""
    if count == 1:
        return 0
    if view not in cfg.VIEWS:
        raise InputError(f"EVAL.VIEWS: MODEL.PER_VIEW made networks for {', '.join(cfg.VIEWS)}, not for {view}.")
    return cfg.VIEWS.index(view)
