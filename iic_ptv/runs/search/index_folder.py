"""What ``iic index`` does: embed the videos of a folder into an index, or bring one up to date."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fvcore.common.config import CfgNode
from lightning.pytorch import seed_everything
from torch import nn

from iic_ptv.config import load_config, parse_config
from iic_ptv.data.collections import any_folder
from iic_ptv.distributed import process_group
from iic_ptv.errors import InputError
from iic_ptv.models.fingerprint import fingerprint
from iic_ptv.registry import load_plugins
from iic_ptv.runs.build import (
    build_clip_reader,
    build_networks,
    build_views,
    evaluation_device,
    known_bad_videos,
    prepare_extraction,
)
from iic_ptv.runs.checkpoint import Checkpoint, load_networks, read_checkpoint
from iic_ptv.runs.evaluation.embed import evaluated_views, network_number
from iic_ptv.runs.extraction import extraction_settings, normalises_colours
from iic_ptv.runs.folder import is_further_process
from iic_ptv.runs.terminal import console, say
from iic_ptv.search.clip_index import ClipIndex, Origin
from iic_ptv.search.clip_plan import ClipPlan
from iic_ptv.search.embedding import ClipEmbedder, Recipe
from iic_ptv.search.journal import parts_of
from iic_ptv.search.settings import NETWORK, named_settings
from iic_ptv.search.update import Update, unreadable_table, update_index
from iic_ptv.shares import failing_together
from iic_ptv.transforms import evaluation_transform

# Pooled features: maps are nearly twenty times as large, and so would be the index. What a check has found bad is
# looked up for the folder at hand, not for that of the pre-training.
DEFAULTS = ("EVAL.FEATURES", "pooled", "DATA.MANIFEST", "auto")
PLAN = {"every": "--every", "least": "--least", "most": "--most"}


@dataclass(frozen=True)
class IndexRequest:
    """What was asked for on the command line.

    Attributes:
        folder: the videos.
        output: the index.
        checkpoint: run folder or checkpoint; None: that of the index, which is brought up to date.
        untrained: take an untrained network.
        plan: what is to be other than usual, or than in the index, of a :class:`ClipPlan`.
        overrides: ``KEY VALUE`` pairs.
    """

    folder: str
    output: str
    checkpoint: str | None
    untrained: bool
    plan: dict[str, Any]
    overrides: Sequence[str]


def index_command(request: IndexRequest) -> None:
    """Embed what is new, forget what is gone, and say so; several processes that were started together share this."""
    console.quiet = is_further_process()
    path = Path(request.output)
    with process_group():
        update = _update(path, request)
    if update is not None:
        _say(path, update)


def _update(path: Path, request: IndexRequest) -> Update | None:
    with failing_together():
        videos = any_folder(request.folder)
        parts = parts_of(path)
        cfg, checkpoint = _configured(request, parts[-1] if parts else None)
        cfg.DATA.ROOT = os.path.realpath(request.folder)
        plan = ClipPlan(**{**(plan_of(parts[-1]) if parts else {}), **request.plan})
        recipe = build_recipe(cfg, checkpoint, plan)
        origin = Origin(cfg.DATA.ROOT, str(checkpoint.path.absolute()) if checkpoint else "", cfg.dump())
        bad = known_bad_videos(cfg, videos)
    try:
        return update_index(path, videos, recipe, origin, bad, cfg.DATA.NUM_WORKERS, cfg.DATA.START_METHOD or None)
    except KeyboardInterrupt:
        say("stopped; the same command goes on where it was")
        raise


def index_config(request: IndexRequest) -> CfgNode:
    """The configuration that an index is made with.

    Raises:
        InputError: something that was asked for cannot be used.
    """
    parts = parts_of(Path(request.output))
    return _configured(request, parts[-1] if parts else None)[0]


def _configured(request: IndexRequest, record: ClipIndex | None) -> tuple[CfgNode, Checkpoint | None]:
    """The configuration and the network: those asked for, or else those of the index that is there."""
    if request.checkpoint and request.untrained:
        raise InputError("--checkpoint and --untrained exclude each other.")
    if record and not request.checkpoint and not request.untrained:
        cfg = load_config(None, request.overrides, base=parse_config(record.origin.config, request.output))
        return cfg, checkpoint_of(record, request.output)
    if not request.checkpoint and not request.untrained:
        raise InputError(
            "--checkpoint: name the run folder or file of a trained network, such as one of `iic pretrain`. An "
            "untrained network finds little but colours; if that is what you want, say --untrained."
        )
    checkpoint = read_checkpoint(request.checkpoint) if request.checkpoint else None
    cfg = load_config(None, [*DEFAULTS, *request.overrides], base=checkpoint.config if checkpoint else None)
    return cfg, checkpoint


def checkpoint_of(index: ClipIndex, name: str) -> Checkpoint | None:
    """The checkpoint that an index was made with; None for an untrained network.

    Raises:
        InputError: it is gone, or cannot be read.
    """
    path = index.origin.checkpoint
    if not path:
        return None
    if not Path(path).is_file():
        raise InputError(f"{name}: its checkpoint {path} is not there any more; say where it is with --checkpoint.")
    return read_checkpoint(path)


def plan_of(index: ClipIndex) -> dict[str, Any]:
    """The clip plan of an index."""
    return {name: index.settings[option] for name, option in PLAN.items()}


def build_recipe(cfg: CfgNode, checkpoint: Checkpoint | None, plan: ClipPlan) -> Recipe:
    """How vectors are made as configured.

    Args:
        cfg: the configuration, for views and clips.
        checkpoint: of the networks; None: untrained ones.
        plan: which clips of a video.

    Raises:
        InputError: something in the configuration cannot be used, or the checkpoint does not fit it.
    """
    load_plugins(cfg.PLUGINS)
    seed_everything(cfg.SEED, workers=True, verbose=False)  # before the networks, as in pre-training
    networks = nn.ModuleList(build_networks(cfg))
    if checkpoint is not None:
        load_networks(networks, checkpoint)
    for network in networks:
        network.features = cfg.EVAL.FEATURES
    prepare_extraction(cfg, networks)
    views = evaluated_views(cfg)
    embedder = ClipEmbedder(
        {name: networks[network_number(cfg, name, len(networks))] for name in views},
        dict(zip(views, build_views(views), strict=True)),
        evaluation_transform(cfg.DATA.CROP, tuple(cfg.DATA.FRAME_SIZE), normalises_colours(cfg)),
        evaluation_device(cfg),
        cfg.EVAL.PRECISION,
    )
    settings = {
        NETWORK: fingerprint(networks),
        "EVAL.VIEWS": views,
        **extraction_settings(cfg, views),
        **{option: getattr(plan, name) for name, option in PLAN.items()},
    }
    return Recipe(build_clip_reader(cfg, views), plan, embedder, named_settings(settings))


def _say(path: Path, update: Update) -> None:
    index = update.index
    say(
        f"{path}: {len(index.vectors):,} clips of {len(index.names) - len(update.unreadable):,} videos; "
        f"{update.embedded:,} new or changed, {update.kept:,} as before, {update.gone:,} gone"
    )
    if update.unreadable:
        videos = "1 video" if len(update.unreadable) == 1 else f"{len(update.unreadable):,} videos"
        say(f"{videos} cannot be read (see {unreadable_table(path)})", style="yellow")
