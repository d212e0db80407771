"""From a configuration to objects. This module alone reads configurations; all others take plain objects."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from fvcore.common.config import CfgNode
from torch import nn

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.clip_reader import ClipReader
from iic_ptv.data.clips import ClipDataset, EvaluationClipDataset
from iic_ptv.data.collections import any_folder
from iic_ptv.data.flow import flow_source
from iic_ptv.data.index import VideoIndex
from iic_ptv.data.list_files import find_file
from iic_ptv.data.loaders import ClipLoader, evaluation_loader
from iic_ptv.data.module import ClipDataModule
from iic_ptv.data.preparation.manifest import manifest_path, path_below_root, read_manifest
from iic_ptv.data.procedural.scene_clips import RenderScenes, SceneReader, are_scenes, scene_collection
from iic_ptv.errors import InputError
from iic_ptv.evaluation.forward_pass import check_precision
from iic_ptv.models.activation_checkpointing import recompute_activations
from iic_ptv.models.heads import MLPProjection
from iic_ptv.processes import launched_processes
from iic_ptv.randomness import seed_of
from iic_ptv.registry import BACKBONES, DATASETS, INTRA_NEGATIVES, VIEWS
from iic_ptv.runs.checkpoint import Checkpoint, load_networks
from iic_ptv.runs.extraction import normalises_colours, reading_flow
from iic_ptv.runs.intra_negatives import intra_negative_names, options_by_name
from iic_ptv.runs.losses import build_loss, takes_keys
from iic_ptv.runs.optimisation import build_optimizer, build_schedule
from iic_ptv.tasks.iic import IICTask
from iic_ptv.tasks.momentum import MomentumIICTask
from iic_ptv.transforms import InTurn, evaluation_transform, strong_train_transform, train_transform
from iic_ptv.transforms.pipelines import SampleTransform

NO_MANIFEST = "none"
# What is evaluated on of the collections with official splits, by the kind of the collection.
EVALUATION_SUBSETS = {"ucf101": "test", "hmdb51": "test", "kinetics": "val", "something_something": "validation"}
SCENES, TEST_SCENES = "scenes", "test"  # the collection that is rendered on the device, and its part to evaluate on
EVALUATION_SUBSETS[SCENES] = TEST_SCENES
TEST_SHARE = 4  # so many scenes to train on for one to evaluate on
BatchTransform = SampleTransform | RenderScenes  # what happens to a batch on the device
TRAIN_TRANSFORMS: dict[str, Callable[[int, tuple[int, int]], SampleTransform]] = {
    "crop": train_transform,
    "strong": strong_train_transform,
}


def build_index(cfg: CfgNode, lists: Sequence[str] | None = None, subset: str | None = None) -> VideoIndex:
    """The videos of ``lists`` or of a part of an official split; by default those to train on.

    ``lists`` may instead name one folder of videos, which is then taken as it is.

    Raises:
        InputError: no data named, or they cannot be found.
    """
    if lists is None and cfg.DATA.KIND == SCENES:
        return _scenes(cfg, subset == TEST_SCENES)
    if lists is not None and len(lists) == 1 and Path(lists[0]).is_dir():
        return _index_of(cfg, "auto", lists[0])
    if folder := next((name for name in (cfg.DATA.LISTS if lists is None else lists) if Path(name).is_dir()), None):
        raise InputError(f"{folder}: a folder of videos is taken alone; name one folder, or lists.")
    for name in lists or []:
        if not find_file(name, Path(cfg.DATA.ROOT)).is_file():
            raise InputError(f"{name}: there is no such list or folder of videos.")
    if not cfg.DATA.ROOT:
        raise InputError("DATA.ROOT: name the folder of the videos, for example with --data FOLDER.")
    if lists is None and cfg.DATA.KIND in EVALUATION_SUBSETS:
        return _official_index(cfg, subset or cfg.DATA.SUBSET)
    # DATA.KIND tells what the training data are; lists to evaluate with speak for themselves.
    kind = cfg.DATA.KIND if lists is None else "auto"
    return _index_of(cfg, kind, cfg.DATA.ROOT, cfg.DATA.LISTS if lists is None else lists)


def _scenes(cfg: CfgNode, to_evaluate: bool) -> VideoIndex:
    number = cfg.DATA.SCENES.VIDEOS
    return scene_collection(-(-number // TEST_SHARE) if to_evaluate else number, seed_of(cfg.SEED, to_evaluate))


def _official_index(cfg: CfgNode, subset: str) -> VideoIndex:
    return DATASETS.get(cfg.DATA.KIND)(
        cfg.DATA.ROOT,
        annotations=cfg.DATA.ANNOTATIONS or None,
        split=cfg.DATA.SPLIT,
        subset=subset,
        missing=cfg.DATA.MISSING,
    )


def _index_of(cfg: CfgNode, kind: str, root: str, lists: Sequence[str] = ()) -> VideoIndex:
    if kind == "auto":
        listed = Path(lists[0] if lists else root)
        if not lists and listed.suffix != ".csv":
            return any_folder(root)
        kind = "csv" if listed.suffix == ".csv" else "ucf101_lists"
    if kind == "ucf101_lists" and not lists:
        raise InputError("DATA.LISTS: DATA.KIND is ucf101_lists; name lists, or take the whole folder, DATA.KIND auto.")
    options: dict[str, Any] = {}
    if kind == "csv":
        options = {"file": lists[0] if lists else None, "missing": cfg.DATA.MISSING}
    elif lists:
        options = {"lists": lists, "class_index": cfg.DATA.CLASS_INDEX or None, "missing": cfg.DATA.MISSING}
    return _construct(DATASETS.get(kind), "DATA", root, **options)


def known_bad_videos(cfg: CfgNode, index: VideoIndex) -> dict[str, str]:
    """What ``iic check-data`` found to be unreadable, of files that are still the same.

    Returns:
        Reasons by the path of the video below the root of its collection.

    Raises:
        InputError: ``DATA.MANIFEST`` names a file that does not exist or is no manifest.
    """
    if cfg.DATA.MANIFEST == NO_MANIFEST:
        return {}
    automatic = cfg.DATA.MANIFEST == "auto"
    file = manifest_path(cfg.DATA.ROOT) if automatic else Path(cfg.DATA.MANIFEST)
    if automatic and not file.is_file():
        return {}
    return {path_below_root(index[row]): reason for row, reason in read_manifest(file).bad(index).items()}


def without(index: VideoIndex, bad: Collection[str]) -> VideoIndex:
    """The videos whose paths below the root of the collection are not among ``bad``.

    Raises:
        InputError: all are.
    """
    if not bad:
        return index
    kept = [video for video in index if path_below_root(video) not in bad]
    if not kept:
        raise InputError(
            "DATA.MANIFEST: the last `iic check-data` found that none of the videos can be read; its table says why."
        )
    return VideoIndex(kept, index.class_names)


def build_data(cfg: CfgNode, index: VideoIndex, bad_videos: BadVideoLog) -> ClipDataModule:
    """The training data: clips of ``index``, drawn and augmented as configured."""
    clips, transform = build_train_clips(cfg, index, bad_videos)
    return ClipDataModule(clips, cfg.OPTIM.BATCH_SIZE, cfg.DATA.NUM_WORKERS, start_method(cfg), transform)


def build_train_clips(cfg: CfgNode, index: VideoIndex, bad_videos: BadVideoLog) -> tuple[ClipDataset, BatchTransform]:
    """Clips to train on, and what is to happen to a batch of them on the device."""
    if cfg.DATA.AUGMENTATION not in TRAIN_TRANSFORMS:
        raise InputError(
            f"DATA.AUGMENTATION: expected one of {', '.join(TRAIN_TRANSFORMS)}, got '{cfg.DATA.AUGMENTATION}'."
        )
    transform = TRAIN_TRANSFORMS[cfg.DATA.AUGMENTATION](cfg.DATA.CROP, tuple(cfg.DATA.FRAME_SIZE))
    reader, on_device = _of_collection(cfg, index, cfg.VIEWS, transform)
    clips = ClipDataset(
        index,
        reader,
        clips_per_video=cfg.DATA.CLIPS_PER_VIDEO,
        seed=cfg.SEED,
        bad_videos=bad_videos,
    )
    return clips, on_device


def build_evaluation_clips(
    cfg: CfgNode, index: VideoIndex, views: Sequence[str], bad_videos: BadVideoLog, num_clips: int
) -> tuple[EvaluationClipDataset, BatchTransform]:
    """Whole videos, so many clips of each, and what is to happen to a batch of them on the device."""
    transform = evaluation_transform(cfg.DATA.CROP, tuple(cfg.DATA.FRAME_SIZE), normalises_colours(cfg))
    reader, on_device = _of_collection(cfg, index, views, transform)
    return EvaluationClipDataset(index, reader, num_clips=num_clips, bad_videos=bad_videos), on_device


def _of_collection(
    cfg: CfgNode, index: VideoIndex, views: Sequence[str], transform: SampleTransform
) -> tuple[ClipReader | SceneReader, BatchTransform]:
    """How clips of a collection are read, and what then is to happen on the device: scenes are rendered there."""
    if not are_scenes(index):
        return build_clip_reader(cfg, views), transform
    if of_flow := reading_flow(views):
        raise InputError(f"VIEWS: scenes come without optical flow, which the view {of_flow[0]} needs.")
    scenes = cfg.DATA.SCENES
    reader = SceneReader(cfg.DATA.CLIP_LENGTH, cfg.DATA.STRIDE, scenes.FRAMES)
    return reader, RenderScenes(transform, tuple(cfg.DATA.FRAME_SIZE), scenes.APPEARANCES or None)


def build_evaluation_loader(
    cfg: CfgNode, index: VideoIndex, views: Sequence[str], bad_videos: BadVideoLog, rows: Sequence[int] | None = None
) -> tuple[ClipLoader, BatchTransform]:
    """Batches of whole videos, ``EVAL.NUM_CLIPS`` clips of each, and what is to happen to them on the device.

    Of the videos, those in some ``rows``; None: all.
    """
    clips, transform = build_evaluation_clips(cfg, index, views, bad_videos, cfg.EVAL.NUM_CLIPS)
    return evaluation_loader(clips, cfg.EVAL.BATCH_SIZE, cfg.DATA.NUM_WORKERS, start_method(cfg), rows), transform


def build_bad_video_log(cfg: CfgNode, folder: Path, num_videos: int) -> BadVideoLog:
    """The log in which all processes of a run note the videos that they cannot read."""
    return BadVideoLog(folder / "bad_videos.csv", num_videos, cfg.DATA.MAX_BAD_SHARE)


def build_clip_reader(cfg: CfgNode, views: Sequence[str]) -> ClipReader:
    """How clips are read; optical flow only if one of the views needs it.

    Raises:
        InputError: a view needs flow, and nothing tells where it comes from.
    """
    of_flow = reading_flow(views)
    if of_flow and not cfg.DATA.FLOW:
        raise InputError(
            f"DATA.FLOW: the view {of_flow[0]} needs optical flow; name a folder that `iic flow` has written, or "
            "compute it while reading with dis (fast) or tvl1 (the paper's)."
        )
    return ClipReader(
        clip_length=cfg.DATA.CLIP_LENGTH,
        stride=cfg.DATA.STRIDE,
        frame_rate=cfg.DATA.FRAME_RATE,
        short=cfg.DATA.SHORT,
        decoder=cfg.DATA.DECODER,
        size=tuple(cfg.DATA.FRAME_SIZE),
        time_limit=cfg.DATA.TIME_LIMIT,
        flow=flow_source(cfg.DATA.FLOW) if of_flow else None,
    )


def start_method(cfg: CfgNode) -> str | None:
    """How processes that decode are started; None for Python's choice."""
    methods = multiprocessing.get_all_start_methods()
    if cfg.DATA.START_METHOD and cfg.DATA.START_METHOD not in methods:
        raise InputError(f"DATA.START_METHOD: expected one of {', '.join(methods)}, got '{cfg.DATA.START_METHOD}'.")
    return cfg.DATA.START_METHOD or None


def build_views(names: Sequence[str]) -> list[nn.Module]:
    """The views, in order; one may occur twice, for two clips of a video."""
    return [VIEWS.get(name)() for name in names]


def build_networks(cfg: CfgNode) -> list[nn.Module]:
    """The backbone, or one for each view."""
    return [build_network(cfg) for _ in range(len(cfg.VIEWS) if cfg.MODEL.PER_VIEW else 1)]


def build_network(cfg: CfgNode, num_classes: int | None = None) -> Any:
    """A backbone, with a classifier if ``num_classes`` are given."""
    backbone = BACKBONES.get(cfg.MODEL.BACKBONE)
    return _construct(backbone, "MODEL.OPTIONS", num_classes=num_classes, **cfg.MODEL.OPTIONS)


def build_task(
    cfg: CfgNode, num_videos: int, total_steps: int, num_devices: int = 1, start: Checkpoint | None = None
) -> IICTask:
    """The pre-training task; with an encoder of keys if the loss takes them.

    Args:
        cfg: the configuration.
        num_videos: rows of the memory banks.
        total_steps: optimiser steps of the whole run, for the schedule.
        num_devices: devices that train together, for the learning rate.
        start: whose backbones to begin with; None: random ones.
    """
    networks = build_networks(cfg)
    if start is not None:
        load_networks(nn.ModuleList(networks), start)
    if cfg.TRAINER.ACTIVATION_CHECKPOINTING:
        for network in networks:
            recompute_activations(network)
    feature_dim = int(networks[0].feature_dim)  # type: ignore[arg-type]
    heads: list[nn.Module] | None = None
    if cfg.MODEL.HEAD:
        heads = [MLPProjection(feature_dim, *cfg.MODEL.HEAD) for _ in networks]
        feature_dim = cfg.MODEL.HEAD[1]
    intra_negatives = build_intra_negatives(cfg)
    loss = build_loss(cfg, num_videos, feature_dim, len(intra_negatives))
    task = partial(MomentumIICTask, key_momentum=cfg.MODEL.KEY_MOMENTUM) if takes_keys(loss) else IICTask
    return task(
        networks,
        loss,
        build_optimizer(cfg, num_devices),
        build_schedule(cfg, total_steps),
        views=build_views(cfg.VIEWS),
        intra_negative=intra_negatives,
        head=heads,
        seed=cfg.SEED,
    )


def build_intra_negatives(cfg: CfgNode) -> list[nn.Module]:
    """The intra-negatives of every clip: one in the paper, none for CMC."""
    kinds = intra_negative_names(cfg.INTRA_NEGATIVE)
    options = options_by_name(kinds, cfg.INTRA_NEGATIVE_OPTIONS)

    def built(name: str) -> nn.Module:
        return _construct(INTRA_NEGATIVES.get(name), "INTRA_NEGATIVE_OPTIONS", **options[name])

    return [built(*names) if len(names) == 1 else InTurn(map(built, names)) for names in kinds]


def evaluation_device(cfg: CfgNode) -> torch.device:
    """Where to extract features: the GPU if there is one and the configuration does not forbid it.

    Of several processes on a machine, each has a GPU of its own if there are as many, which becomes its current one.
    """
    wanted = cfg.TRAINER.ACCELERATOR in ("auto", "gpu", "cuda")
    if not (wanted and torch.cuda.is_available()):
        return torch.device("cpu")
    if launched := launched_processes():
        torch.cuda.set_device(launched.local_rank % torch.cuda.device_count())
    return torch.device("cuda", torch.cuda.current_device())


def prepare_extraction(cfg: CfgNode, networks: Iterable[nn.Module]) -> None:
    """Make networks ready to extract features as ``EVAL`` says: compile them if it asks for that.

    Raises:
        InputError: there is no such precision, or not where they run.
    """
    check_precision(cfg.EVAL.PRECISION, evaluation_device(cfg))
    if cfg.EVAL.COMPILE:
        for network in networks:
            network.compile(dynamic=False)  # in place, so that weights keep their names; batches are always full


def _construct(factory: Callable[..., Any], key: str, *arguments: Any, **options: Any) -> Any:
    """Call a registered factory; options that it does not know are the user's to mend."""
    try:
        return factory(*arguments, **options)
    except TypeError as error:
        if not any(f"'{name}'" in str(error) for name in options):
            raise
        raise InputError(f"{key}: {error}.") from error
