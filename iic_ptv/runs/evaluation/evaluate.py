"""What the commands share that score frozen features: networks, videos and the features of these, in a run folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from fvcore.common.config import CfgNode
from lightning.pytorch import seed_everything
from torch import Tensor, nn

from iic_ptv.config import load_config, parse_config, without_output
from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.index import VideoIndex
from iic_ptv.distributed import process_group, rank
from iic_ptv.errors import InputError
from iic_ptv.evaluation.feature_file import EXTENSION, describe_features, write_features
from iic_ptv.models.fingerprint import fingerprint
from iic_ptv.registry import load_plugins
from iic_ptv.runs.build import build_bad_video_log, build_networks, prepare_extraction
from iic_ptv.runs.checkpoint import ZOO, Checkpoint, load_networks, read_checkpoint
from iic_ptv.runs.evaluation.embed import Views, embed_together
from iic_ptv.runs.evaluation.sources import FeatureSource, Source, Sources, evaluation_sources
from iic_ptv.runs.extraction import extraction_settings
from iic_ptv.runs.folder import LEFT_OUT, describe_run, is_further_process, joint_run_folder
from iic_ptv.runs.intra_negatives import NO_INTRA_NEGATIVE
from iic_ptv.runs.pretraining.pretrain import run_name
from iic_ptv.runs.shown_clip import shown_clip
from iic_ptv.runs.terminal import console, say, say_bad_videos
from iic_ptv.shares import failing_together
from iic_ptv.zoo.weights_file import name_without_hash

TRAINED, UNTRAINED = "trained", "untrained"


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line.

    Attributes:
        checkpoint: run folder or checkpoint; None: an untrained network.
        config: YAML file.
        data: folder that paths in lists start from.
        query: what to search with, in place of ``EVAL.QUERY``.
        gallery: what to search in, in place of ``EVAL.GALLERY``.
        overrides: ``KEY VALUE`` pairs.
        save_features: write the features to files.
    """

    checkpoint: str | None = None
    config: str | None = None
    data: str | None = None
    query: Sequence[str] = ()
    gallery: Sequence[str] = ()
    overrides: Sequence[str] = ()
    save_features: bool = False


@dataclass(frozen=True, eq=False)
class Side:
    """The features of the gallery or of the queries.

    Attributes:
        networks: by network ("trained", "untrained") and view.
        videos: the videos, in the order of their features; None where these are from a file.
    """

    networks: dict[str, Views]
    videos: VideoIndex | None = None

    def show(self) -> Callable[[int], Tensor] | None:
        """What shows the clip of a video by its row in the features; None without videos."""
        videos = self.videos
        return None if videos is None else lambda row: shown_clip(videos[row].path)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Frozen features to score.

    Attributes:
        cfg: the configuration.
        folder: the run folder.
        checkpoint: where the trained network is from.
        sources: the videos, or files of features.
        gallery: the features of the gallery.
        query: the features of the queries.
        weights: the fingerprint of the network.
    """

    cfg: CfgNode
    folder: Path
    checkpoint: Checkpoint | None
    sources: Sources
    gallery: Side
    query: Side
    weights: str

    @property
    def subject(self) -> str:
        """The network that the evaluation is about; another one is there to compare it with."""
        return next(iter(self.query.networks))

    @property
    def class_names(self) -> list[str]:
        """The name of every class."""
        labels = torch.cat([self.sources.gallery.labels, self.sources.query.labels])
        return list(self.sources.gallery.class_names) or [str(label) for label in range(int(labels.max()) + 1)]

    def label(self, network: str) -> str:
        """What a network is called in figures."""
        if network == UNTRAINED:
            return "Untrained"
        if self.checkpoint is not None and self.checkpoint.writer == ZOO:
            return name_without_hash(self.checkpoint.path)
        if self.checkpoint is not None and self.checkpoint.num_classes:
            return "Fine-tuned"
        return "CMC" if self.cfg.INTRA_NEGATIVE == NO_INTRA_NEGATIVE else "IIC"

    def facts(self) -> dict[str, object]:
        """What ``metrics.json`` says of the input."""
        gallery, query = (next(iter(side.networks[self.subject].values())) for side in (self.gallery, self.query))
        path = str(self.checkpoint.path) if self.checkpoint else None
        return {
            "checkpoint": path,
            "weights": self.weights,
            "gallery_videos": len(gallery),
            "query_videos": len(query),
        }


def evaluate(command: str, request: Request) -> Evaluation | None:
    """Embed what was asked for, in a new run folder, together with the processes that this one was started with.

    Args:
        command: "retrieve" or "probe"; they take different features by default.
        request: what was asked for.

    Returns:
        The features, to be scored; None in further processes, which have done their share.

    Raises:
        InputError: something that was asked for cannot be used.
    """
    console.quiet = is_further_process()
    with process_group():
        return _evaluate(command, request)


def _evaluate(command: str, request: Request) -> Evaluation | None:
    with failing_together():
        checkpoint = read_checkpoint(request.checkpoint) if request.checkpoint else None
        cfg = evaluation_config(command, request, checkpoint)
        load_plugins(cfg.PLUGINS)
        sources = evaluation_sources(cfg)
        cfg.EVAL.VIEWS = cfg.EVAL.VIEWS or sources.views_of_files()
        if command == "probe" and len(sources.gallery.labels.unique()) < 2:
            raise InputError("EVAL.GALLERY: all its videos are of one class; probes need two classes or more.")
        _check_views(cfg, sources)
        _warn(sources)
        networks = _networks(cfg, checkpoint, sources)
        identity = _check_alike(cfg, networks, sources)

    suffix = f"-{UNTRAINED}" if next(iter(networks), TRAINED) == UNTRAINED else ""
    with joint_run_folder(cfg.OUTPUT, command, f"{run_name(cfg)}{suffix}") as folder:
        say(f"run folder: {folder}")
        if not rank():
            describe_run(folder, cfg.dump())
            BadVideoLog(folder / LEFT_OUT).add(sources.left_out)
    bad_videos = build_bad_video_log(cfg, folder, sources.num_videos)
    gallery = _side(cfg, networks, sources.gallery, bad_videos)
    query = _side(cfg, networks, sources.query, bad_videos)
    if gallery is None or query is None:
        return None
    say_bad_videos(folder, bad_videos)
    if request.save_features:
        for name, side in (("gallery", gallery), ("query", query)):
            file = folder / f"{name}{EXTENSION}"
            write_features(file, next(iter(side.networks.values())), cfg.dump(), identity)
            say(f"features: {file}")
    return Evaluation(cfg, folder, checkpoint, sources, gallery, query, identity)


def evaluation_config(command: str, request: Request, checkpoint: Checkpoint | None) -> CfgNode:
    """The configuration of the checkpoint, or of a feature file, with what was asked for.

    Raises:
        InputError: a file or an option cannot be used.
    """
    files = [name for name in (*request.gallery, *request.query) if name.endswith(EXTENSION)]
    base = None
    if checkpoint is not None:
        base = checkpoint.config
    elif files:
        base = parse_config(describe_features(files[0])["config"], files[0])
    overrides = [*(["DATA.ROOT", request.data] if request.data else []), *request.overrides]
    if command == "probe" and "EVAL.FEATURES" in overrides[::2]:
        raise InputError("EVAL.FEATURES: `iic probe` takes the features that PROBE.FEATURES names.")
    cfg = load_config(request.config, overrides, base=base and without_output(base))
    cfg.EVAL.QUERY = list(request.query) or cfg.EVAL.QUERY
    cfg.EVAL.GALLERY = list(request.gallery) or cfg.EVAL.GALLERY
    if command == "probe" and not files:
        cfg.EVAL.FEATURES = cfg.PROBE.FEATURES
    return cfg


def _check_views(cfg: CfgNode, sources: Sources) -> None:
    """Make sure that feature files hold the views to evaluate with.

    Raises:
        InputError: one does not.
    """
    for side in (sources.gallery, sources.query):
        if isinstance(side, FeatureSource) and (missing := [v for v in cfg.EVAL.VIEWS if v not in side.file.views]):
            held = ", ".join(side.file.views)
            raise InputError(f"EVAL.VIEWS: {side.path} holds features of {held}, not of {missing[0]}.")


def _networks(cfg: CfgNode, checkpoint: Checkpoint | None, sources: Sources) -> dict[str, nn.ModuleList]:
    """The trained network and, where both sides are videos, the same as it was before training; by name."""
    if not sources.num_videos:
        return {}
    seed_everything(cfg.SEED, workers=True, verbose=False)  # as in pre-training, so that it is the very network
    networks = {UNTRAINED: nn.ModuleList(build_networks(cfg))}
    if checkpoint is not None:
        trained = nn.ModuleList(build_networks(cfg))
        load_networks(trained, checkpoint)
        only_videos = isinstance(sources.gallery, VideoIndex) and isinstance(sources.query, VideoIndex)
        networks = {TRAINED: trained, **(networks if cfg.EVAL.UNTRAINED and only_videos else {})}
    prepare_extraction(cfg, chain(*networks.values()))
    return networks


def _check_alike(cfg: CfgNode, networks: dict[str, nn.ModuleList], sources: Sources) -> str:
    """The fingerprint of the network, which features from files must share, as all else that they depend on.

    Raises:
        InputError: they do not; the message says in what.
    """
    found = {}
    if networks:
        found["the run"] = fingerprint(next(iter(networks.values()))), _settings(cfg, cfg.EVAL.VIEWS)
    for side in (sources.gallery, sources.query):
        if isinstance(side, FeatureSource):
            config = parse_config(side.file.config or "{}", side.path)
            found[side.path] = side.file.fingerprint, _settings(config, cfg.EVAL.VIEWS)
    (first, (network, settings)), *others = found.items()
    for name, (other_network, other_settings) in others:
        differences = [
            f"{key} ({settings[key]}, {other})" for key, other in other_settings.items() if settings[key] != other
        ]
        if network != other_network:
            differences = ["the weights of the network"]
        if differences:
            raise InputError(
                f"EVAL.GALLERY, EVAL.QUERY: features can only be compared with others of the same network and clips, "
                f"and those of {first} and {name} differ in {', '.join(differences)}; extract both alike."
            )
    return network


def _settings(cfg: CfgNode, views: Sequence[str]) -> dict[str, Any]:
    return {**extraction_settings(cfg, views), "EVAL.NUM_CLIPS": cfg.EVAL.NUM_CLIPS}


def _side(cfg: CfgNode, networks: dict[str, nn.ModuleList], source: Source, bad_videos: BadVideoLog) -> Side | None:
    """The features of one side; None in further processes."""
    if isinstance(source, VideoIndex):
        found = embed_together(cfg, networks, source, bad_videos)
        return None if found is None else Side(*found)
    if rank():
        return None
    return Side({next(iter(networks), TRAINED): {view: source.file.views[view] for view in cfg.EVAL.VIEWS}})


def _warn(sources: Sources) -> None:
    """Say what makes the figures lower or higher than one might think."""
    if missing := sources.missing_classes():
        say(
            f"no gallery video is of {', '.join(missing[:5])}{', ...' if len(missing) > 5 else ''}: queries of "
            f"{'this class' if len(missing) == 1 else f'these {len(missing)} classes'} count as not found",
            style="yellow",
        )
    if known := sources.num_known_queries():
        say(
            f"{known} of {len(sources.query.labels)} queries are in the gallery, too, and find themselves",
            style="yellow",
        )
