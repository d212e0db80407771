"""From a configuration to the parts of recognition: network, task and data."""

from __future__ import annotations

from collections.abc import Sequence

from fvcore.common.config import CfgNode
from torch import nn

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.recognition_module import RecognitionDataModule
from iic_ptv.errors import InputError
from iic_ptv.models.activation_checkpointing import recompute_activations
from iic_ptv.models.backbone import Backbone
from iic_ptv.runs.build import build_evaluation_clips, build_network, build_train_clips, build_views, start_method
from iic_ptv.runs.checkpoint import Checkpoint, load_backbone
from iic_ptv.runs.optimisation import build_optimizer, build_schedule
from iic_ptv.runs.recognition.videos import RecognitionVideos
from iic_ptv.tasks.recognition import RecognitionTask


def build_classifier(cfg: CfgNode, num_classes: int, start: Checkpoint | None = None) -> Backbone:
    """The network with a classifier, its backbone as in a checkpoint or as drawn.

    Raises:
        InputError: the checkpoint is of another network, or has none for the view.
    """
    network = build_network(cfg, num_classes=num_classes)
    if start is not None:
        load_backbone(network, start, _network_number(start, only_view(cfg)))
    return network


def build_recognition_task(
    cfg: CfgNode,
    network: nn.Module,
    data: RecognitionDataModule,
    class_names: Sequence[str],
    total_steps: int,
    num_devices: int = 1,
) -> RecognitionTask:
    """The task, with cross-entropy as its loss.

    Args:
        cfg: the configuration.
        network: the classifier.
        data: what it is trained and validated on.
        class_names: what it tells apart.
        total_steps: optimiser steps of the whole run, for the schedule.
        num_devices: devices that train together, for the learning rate.
    """
    if cfg.TRAINER.ACTIVATION_CHECKPOINTING:
        recompute_activations(network)
    validated_every = 0 if data.validation is None else data.batches_per_epoch(num_devices)
    return RecognitionTask(
        network,
        nn.CrossEntropyLoss(label_smoothing=cfg.RECOGNITION.LABEL_SMOOTHING),
        build_optimizer(cfg, num_devices),
        lr_scheduler=build_schedule(cfg, total_steps, validated_every),
        view=build_views([only_view(cfg)])[0],
        backbone_lr=cfg.RECOGNITION.BACKBONE_LR,
        class_names=class_names,
    )


def build_recognition_data(cfg: CfgNode, videos: RecognitionVideos, bad_videos: BadVideoLog) -> RecognitionDataModule:
    """Random clips of the training videos, and evenly spread ones of those of the validation."""
    train, transform = build_train_clips(cfg, videos.train, bad_videos)
    validation = validation_transform = None
    if videos.validation is not None:
        validation, validation_transform = build_evaluation_clips(
            cfg, videos.validation, cfg.VIEWS, bad_videos, cfg.RECOGNITION.VALIDATION_CLIPS
        )
    return RecognitionDataModule(
        train,
        validation,
        transform,
        validation_transform,
        cfg.EVAL.BATCH_SIZE,
        batch_size=cfg.OPTIM.BATCH_SIZE,
        num_workers=cfg.DATA.NUM_WORKERS,
        start_method=start_method(cfg),
    )


def only_view(cfg: CfgNode) -> str:
    """What the network sees.

    Raises:
        InputError: several views are configured.
    """
    if len(cfg.VIEWS) != 1:
        raise InputError(
            f"VIEWS: recognition sees one view, such as [residual_unscaled] or [rgb], not {len(cfg.VIEWS)} of them "
            f"({', '.join(cfg.VIEWS)})."
        )
    return str(cfg.VIEWS[0])


def _network_number(checkpoint: Checkpoint, view: str) -> int:
    """Which network of a pre-training to go on with: the only one, or the one that was trained on such a view."""
    if len(checkpoint.networks) == 1:
        return 0
    kinds = [name.split("_")[0] for name in checkpoint.config.VIEWS]  # residual frames are such, scaled or not
    if view.split("_")[0] not in kinds:
        raise InputError(
            f"VIEWS: {checkpoint.path} has a network for each of {', '.join(checkpoint.config.VIEWS)}, none for {view}."
        )
    names = list(checkpoint.config.VIEWS)
    return names.index(view) if view in names else kinds.index(view.split("_")[0])
