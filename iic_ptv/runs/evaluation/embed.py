"""Features of a collection of videos as a run is configured: by network, by view, and of all views jointly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fvcore.common.config import CfgNode
from torch import nn

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.index import VideoIndex
from iic_ptv.errors import InputError
from iic_ptv.evaluation.features import VideoFeatures, join
from iic_ptv.evaluation.shared_features import RowFeatures, extract_rows, extracted_together
from iic_ptv.runs.build import build_evaluation_loader, build_views, evaluation_device
from iic_ptv.shares import own_share

JOINT = "joint"
Views = dict[str, VideoFeatures]
Embedded = tuple[dict[str, Views], VideoIndex]


def embed(
    cfg: CfgNode,
    networks: Mapping[str, nn.ModuleList],
    index: VideoIndex,
    bad_videos: BadVideoLog,
    progress: bool | None = None,
) -> Embedded:
    """Embed videos with several networks, decoding them once, in this process.

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
    found = _extract(cfg, networks, index, range(len(index)), bad_videos, progress)
    return _by_network(cfg, networks, index, found.checked())


def embed_together(
    cfg: CfgNode, networks: Mapping[str, nn.ModuleList], index: VideoIndex, bad_videos: BadVideoLog
) -> Embedded | None:
    """As :func:`embed`, by all processes that work together, each of which takes its share of the videos.

    Returns:
        In the first process the same as of one process; None in the others.
    """
    rows = own_share(range(len(index)))
    found = extracted_together(lambda: _extract(cfg, networks, index, rows, bad_videos))
    return None if found is None else _by_network(cfg, networks, index, found)


def _extract(
    cfg: CfgNode,
    networks: Mapping[str, nn.ModuleList],
    index: VideoIndex,
    rows: Sequence[int],
    bad_videos: BadVideoLog,
    progress: bool | None = None,
) -> RowFeatures:
    names = evaluated_views(cfg)
    views, models = {}, {}
    for network, backbones in networks.items():
        for backbone in backbones:
            backbone.features = cfg.EVAL.FEATURES
        for name, view in zip(names, build_views(names), strict=True):
            views[f"{network}/{name}"] = view
            models[f"{network}/{name}"] = backbones[network_number(cfg, name, len(backbones))]
    batches, transform = build_evaluation_loader(cfg, index, names, bad_videos, rows)
    return extract_rows(models, batches, views, evaluation_device(cfg), progress, transform, cfg.EVAL.PRECISION)


def _by_network(cfg: CfgNode, networks: Mapping[str, nn.ModuleList], index: VideoIndex, found: RowFeatures) -> Embedded:
    read = chosen(index, found.rows)
    by_network = {
        network: {
            name: VideoFeatures(found.views[f"{network}/{name}"], found.labels, read.keys, index.class_names)
            for name in evaluated_views(cfg)
        }
        for network in networks
    }
    return by_network, read


def chosen(index: VideoIndex, rows: Sequence[int]) -> VideoIndex:
    """Some of the videos."""
    return VideoIndex((index[row] for row in rows), index.class_names)


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
