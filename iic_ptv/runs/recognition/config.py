"""The configuration of a fine-tuning, of which a checkpoint tells a part."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fvcore.common.config import CfgNode

from iic_ptv.config import default_config, load_config
from iic_ptv.runs.checkpoint import AUTHORS, FINETUNE, ZOO, Checkpoint
from iic_ptv.runs.resume import make_paths_absolute
from iic_ptv.zoo.weights_file import name_without_hash

RECIPE = Path(__file__).parents[2] / "configs" / "finetune.yaml"
# Options that say where videos lie and which of them to take; all others of DATA say how clips are made of them.
LOCATION = ("KIND", "ROOT", "LISTS", "CLASS_INDEX", "ANNOTATIONS", "SPLIT", "SUBSET", "MISSING", "MANIFEST", "FLOW")


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line.

    Attributes:
        checkpoint: run folder or checkpoint to start from; None: from scratch.
        config: YAML file.
        data: folder of the videos.
        train: lists to train on, in place of ``DATA.LISTS``, or a folder of class folders.
        test: lists or a folder to test on, in place of ``EVAL.QUERY``.
        overrides: ``KEY VALUE`` pairs.
        resume: run folder to go on with.
        test_only: train nothing.
    """

    checkpoint: str | None = None
    config: str | None = None
    data: str | None = None
    train: Sequence[str] = ()
    test: Sequence[str] = ()
    overrides: Sequence[str] = ()
    resume: str | None = None
    test_only: bool = False


def finetune_config(request: Request, start: Checkpoint | None) -> CfgNode:
    """The configuration of a new run.

    Later ones change earlier ones: the defaults, what the checkpoint tells (network, clips, and where its videos lie
    unless others are named), the recipe of ``configs/finetune.yaml``, the file given, and the command line.

    Args:
        request: what was asked for.
        start: the checkpoint to start from, or to test.

    Raises:
        InputError: the file or an option cannot be used.
    """
    overrides = [*(["DATA.ROOT", request.data] if request.data else []), *request.overrides]
    cfg = load_config(request.config, overrides, base=_base(request, start, same_videos=False))
    if start is not None and _is_of(start, cfg.DATA.ROOT):
        cfg = load_config(request.config, overrides, base=_base(request, start, same_videos=True))
    if len(request.train) == 1 and Path(request.train[0]).is_dir():
        cfg.DATA.KIND, cfg.DATA.ROOT, cfg.DATA.LISTS = "auto", request.train[0], []
    elif request.train:
        cfg.DATA.KIND, cfg.DATA.LISTS = "auto", list(request.train)
    if request.test:
        cfg.EVAL.QUERY = list(request.test)
    make_paths_absolute(cfg)
    return cfg


def finetune_name(cfg: CfgNode, start: Checkpoint | None) -> str:
    """A name that tells a run from others: the network, what it sees, what it starts from."""
    if cfg.NAME:
        return str(cfg.NAME)
    origin = "scratch"
    if start is not None:
        origin = start.config.NAME or start.config.INTRA_NEGATIVE
        if start.writer in (AUTHORS, ZOO):
            origin = "authors" if start.writer == AUTHORS else name_without_hash(start.path)
    return f"{cfg.MODEL.BACKBONE}-{'+'.join(cfg.VIEWS)}-{origin}-{cfg.DATA.CLIP_LENGTH}x{cfg.DATA.CROP}-seed{cfg.SEED}"


def _base(request: Request, start: Checkpoint | None, same_videos: bool) -> CfgNode:
    """What the file and the command line change: the recipe, on top of what the checkpoint tells."""
    cfg = default_config()
    if start is None:
        return load_config(RECIPE, base=cfg)
    told = start.config.clone()
    cfg.PLUGINS, cfg.MODEL.BACKBONE, cfg.MODEL.OPTIONS = told.PLUGINS, told.MODEL.BACKBONE, told.MODEL.OPTIONS
    for key, value in told.DATA.items():
        if same_videos or key not in LOCATION:
            cfg.DATA[key] = value
    if same_videos:
        cfg.EVAL.QUERY = told.EVAL.QUERY
    cfg = load_config(RECIPE, base=cfg)
    if start.num_classes:  # it was fine-tuned, and goes on to see what it saw
        cfg.VIEWS = told.VIEWS
    if request.test_only and start.writer == FINETUNE:
        cfg.EVAL, cfg.OPTIM, cfg.RECOGNITION = told.EVAL, told.OPTIM, told.RECOGNITION
    return cfg


def _is_of(start: Checkpoint, root: str) -> bool:
    """Whether no other videos are named than those of the checkpoint's run."""
    return not root or os.path.realpath(root) == os.path.realpath(start.config.DATA.ROOT)
