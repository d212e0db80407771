"""From a configuration to objects. This module alone reads configurations; all others take plain objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from fvcore.common.config import CfgNode
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, MultiStepLR, OneCycleLR

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.clips import ClipDataset, EvaluationClipDataset
from iic_ptv.data.index import VideoIndex, class_folders, flat_folder
from iic_ptv.data.list_files import find_file
from iic_ptv.data.loaders import ReadableBatches, evaluation_loader
from iic_ptv.data.module import ClipDataModule
from iic_ptv.errors import InputError
from iic_ptv.models.heads import MLPProjection
from iic_ptv.registry import BACKBONES, DATASETS, INTRA_NEGATIVES, LOSSES, VIEWS
from iic_ptv.tasks.iic import IICTask
from iic_ptv.transforms import evaluation_transform, strong_train_transform, train_transform
from iic_ptv.transforms.pipelines import SampleTransform

NO_INTRA_NEGATIVE = "none"
TRAIN_TRANSFORMS: dict[str, Callable[[int, tuple[int, int]], SampleTransform]] = {
    "crop": train_transform,
    "strong": strong_train_transform,
}
WARM_UP = 0.15  # share of a one-cycle schedule in which the rate rises


def build_index(cfg: CfgNode, lists: Sequence[str] | None = None) -> VideoIndex:
    """The videos of ``lists``, by default those to train on.

    ``lists`` may instead name one folder of videos, which is then taken as it is.

    Raises:
        InputError: no data named, or they cannot be found.
    """
    if lists is not None and len(lists) == 1 and Path(lists[0]).is_dir():
        return _index_of(cfg, "auto", lists[0])
    for name in lists or []:
        if not find_file(name, Path(cfg.DATA.ROOT)).is_file():
            raise InputError(f"{name}: there is no such list or folder of videos.")
    if not cfg.DATA.ROOT:
        raise InputError("DATA.ROOT: name the folder of the videos, for example with --data FOLDER.")
    # DATA.KIND tells what the training data are; lists to evaluate with speak for themselves.
    kind = cfg.DATA.KIND if lists is None else "auto"
    return _index_of(cfg, kind, cfg.DATA.ROOT, cfg.DATA.LISTS if lists is None else lists)


def _index_of(cfg: CfgNode, kind: str, root: str, lists: Sequence[str] = ()) -> VideoIndex:
    if kind == "auto":
        listed = Path(lists[0] if lists else root)
        if not lists and listed.suffix != ".csv":
            return _folder_index(root)
        kind = "csv" if listed.suffix == ".csv" else "ucf101_lists"
    options: dict[str, Any] = {}
    if kind == "csv":
        options = {"file": lists[0] if lists else None, "missing": cfg.DATA.MISSING}
    elif lists:
        options = {"lists": lists, "class_index": cfg.DATA.CLASS_INDEX or None, "missing": cfg.DATA.MISSING}
    return _construct(DATASETS.get(kind), "DATA", root, **options)


def _folder_index(root: str) -> VideoIndex:
    """A folder as class folders if these hold all its videos, else as it is, without labels."""
    everything = flat_folder(root)  # which says what is wrong if there are no videos at all
    try:
        in_classes = class_folders(root)
    except InputError:
        return everything
    return in_classes if len(in_classes) == len(everything) else everything


def build_data(cfg: CfgNode, index: VideoIndex, bad_videos: BadVideoLog) -> ClipDataModule:
    """The training data: clips of ``index``, drawn and augmented as configured."""
    if cfg.DATA.AUGMENTATION not in TRAIN_TRANSFORMS:
        raise InputError(
            f"DATA.AUGMENTATION: expected one of {', '.join(TRAIN_TRANSFORMS)}, got '{cfg.DATA.AUGMENTATION}'."
        )
    transform = TRAIN_TRANSFORMS[cfg.DATA.AUGMENTATION](cfg.DATA.CROP, tuple(cfg.DATA.FRAME_SIZE))
    dataset = ClipDataset(
        index, transform, clips_per_video=cfg.DATA.CLIPS_PER_VIDEO, seed=cfg.SEED, bad_videos=bad_videos, **_clip(cfg)
    )
    return ClipDataModule(dataset, cfg.OPTIM.BATCH_SIZE, cfg.DATA.NUM_WORKERS)


def build_evaluation_loader(cfg: CfgNode, index: VideoIndex, bad_videos: BadVideoLog) -> ReadableBatches:
    """Batches of whole videos, ``EVAL.NUM_CLIPS`` clips of each, for feature extraction."""
    normalized = cfg.DATA.AUGMENTATION == "strong"
    transform = evaluation_transform(cfg.DATA.CROP, tuple(cfg.DATA.FRAME_SIZE), normalized)
    dataset = EvaluationClipDataset(index, transform, num_clips=cfg.EVAL.NUM_CLIPS, bad_videos=bad_videos, **_clip(cfg))
    return evaluation_loader(dataset, cfg.EVAL.BATCH_SIZE, cfg.DATA.NUM_WORKERS)


def _clip(cfg: CfgNode) -> dict[str, Any]:
    return {
        "clip_length": cfg.DATA.CLIP_LENGTH,
        "stride": cfg.DATA.STRIDE,
        "short": cfg.DATA.SHORT,
        "decoder": cfg.DATA.DECODER,
        "size": tuple(cfg.DATA.FRAME_SIZE),
    }


def build_views(names: Sequence[str]) -> list[nn.Module]:
    """The views, in order; one may occur twice, for two clips of a video."""
    return [VIEWS.get(name)() for name in names]


def build_networks(cfg: CfgNode) -> list[nn.Module]:
    """The backbone, or one for each view."""
    count = len(cfg.VIEWS) if cfg.MODEL.PER_VIEW else 1
    backbone = BACKBONES.get(cfg.MODEL.BACKBONE)
    return [_construct(backbone, "MODEL.OPTIONS", **cfg.MODEL.OPTIONS) for _ in range(count)]


def build_task(cfg: CfgNode, num_videos: int, total_steps: int) -> IICTask:
    """The pre-training task.

    Args:
        cfg: the configuration.
        num_videos: rows of the memory banks.
        total_steps: optimiser steps of the whole run, for the schedule.
    """
    networks = build_networks(cfg)
    feature_dim = int(networks[0].feature_dim)  # type: ignore[arg-type]
    heads: list[nn.Module] | None = None
    if cfg.MODEL.HEAD:
        heads = [MLPProjection(feature_dim, *cfg.MODEL.HEAD) for _ in networks]
        feature_dim = cfg.MODEL.HEAD[1]
    intra_negative = build_intra_negative(cfg)
    loss = LOSSES.get(cfg.LOSS.NAME)(
        num_videos,
        feature_dim,
        num_views=len(cfg.VIEWS),
        num_negatives=cfg.LOSS.NUM_NEGATIVES,
        temperature=cfg.LOSS.TEMPERATURE,
        momentum=cfg.LOSS.MOMENTUM,
        intra_negatives=intra_negative is not None,
        normalize=cfg.LOSS.NORMALIZE,
        objective=cfg.LOSS.OBJECTIVE,
        exclude_self=cfg.LOSS.EXCLUDE_SELF,
        seed=cfg.SEED,
    )
    optim = partial(torch.optim.SGD, lr=cfg.OPTIM.LR, momentum=cfg.OPTIM.MOMENTUM, weight_decay=cfg.OPTIM.WEIGHT_DECAY)
    return IICTask(
        networks,
        loss,
        optim,
        build_schedule(cfg, total_steps),
        views=build_views(cfg.VIEWS),
        intra_negative=intra_negative,
        head=heads,
        seed=cfg.SEED,
    )


def build_intra_negative(cfg: CfgNode) -> nn.Module | None:
    """The intra-negative, or none for CMC."""
    if cfg.INTRA_NEGATIVE == NO_INTRA_NEGATIVE:
        return None
    part = INTRA_NEGATIVES.get(cfg.INTRA_NEGATIVE)
    return _construct(part, "INTRA_NEGATIVE_OPTIONS", **cfg.INTRA_NEGATIVE_OPTIONS)


def build_schedule(cfg: CfgNode, total_steps: int) -> Callable[[Optimizer], Any] | None:
    """The learning rate's schedule, stepped with every optimiser step."""
    per_epoch = total_steps / max(cfg.OPTIM.EPOCHS, 1)
    schedules: dict[str, Callable[[Optimizer], Any] | None] = {
        "multistep": partial(
            MultiStepLR, milestones=[round(epoch * per_epoch) for epoch in cfg.OPTIM.MILESTONES], gamma=cfg.OPTIM.GAMMA
        ),
        "cosine": partial(CosineAnnealingLR, T_max=max(total_steps, 1)),
        # The momentum stays as configured: a second cycle would be one more thing to tune.
        "one_cycle": partial(
            OneCycleLR, max_lr=cfg.OPTIM.LR, total_steps=total_steps + 1, pct_start=WARM_UP, cycle_momentum=False
        ),
        "constant": None,
    }
    if cfg.OPTIM.SCHEDULE not in schedules:
        raise InputError(f"OPTIM.SCHEDULE: expected one of {', '.join(schedules)}, got '{cfg.OPTIM.SCHEDULE}'.")
    make = schedules[cfg.OPTIM.SCHEDULE]
    return make and (lambda optimizer: {"scheduler": make(optimizer), "interval": "step"})


def evaluation_device(cfg: CfgNode) -> torch.device:
    """Where to extract features: the GPU if there is one and the configuration does not forbid it."""
    wanted = cfg.TRAINER.ACCELERATOR in ("auto", "gpu", "cuda")
    return torch.device("cuda" if wanted and torch.cuda.is_available() else "cpu")


def _construct(factory: Callable[..., Any], key: str, *arguments: Any, **options: Any) -> Any:
    """Call a registered factory; options that it does not know are the user's to mend."""
    try:
        return factory(*arguments, **options)
    except TypeError as error:
        if not any(f"'{name}'" in str(error) for name in options):
            raise
        raise InputError(f"{key}: {error}.") from error
