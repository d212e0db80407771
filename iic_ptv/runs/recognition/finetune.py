"""Fine-tuning: from a configuration to a run folder with a classifier and what it is worth."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fvcore.common.config import CfgNode
from lightning.pytorch import seed_everything
from torch import nn

from iic_ptv.data.index import VideoIndex
from iic_ptv.distributed import rank, take_from_first
from iic_ptv.errors import InputError
from iic_ptv.evaluation.forward_pass import check_precision
from iic_ptv.registry import load_plugins
from iic_ptv.runs.build import build_bad_video_log, build_network, evaluation_device
from iic_ptv.runs.checkpoint import BEST, Checkpoint, load_classifier, read_checkpoint
from iic_ptv.runs.folder import METRICS, describe_run, write_json
from iic_ptv.runs.precision import choose_precision
from iic_ptv.runs.recognition.parts import build_classifier, build_recognition_data, build_recognition_task, only_view
from iic_ptv.runs.recognition.results import Recognised, recognise, write_results
from iic_ptv.runs.recognition.videos import RecognitionVideos, recognition_videos, test_videos, with_classes
from iic_ptv.runs.resume import already_complete
from iic_ptv.runs.terminal import say
from iic_ptv.runs.training import Training
from iic_ptv.shares import failing_together
from iic_ptv.tasks.keep_best import KeepBest

START = "start.json"  # in a run folder: what the run was begun with


@dataclass(frozen=True, eq=False)
class Finetuned:
    """What a fine-tuning leaves.

    Attributes:
        network: the classifier, with the weights of the best epoch of the validation.
        videos: what it was trained and tested on.
        recognised: what it makes of the test videos; None in the further processes of a run on several devices.
    """

    network: nn.Module
    videos: RecognitionVideos
    recognised: Recognised | None


def finetune(
    cfg: CfgNode, folder: Path, start: Checkpoint | None = None, resume: Checkpoint | None = None
) -> Finetuned:
    """Train a classifier and test it, into a run folder that exists.

    Args:
        cfg: the configuration.
        folder: the run folder; gets all that a pre-training's has, the best checkpoint beside the last one,
            ``predictions.csv`` and ``report.html``.
        start: where the backbone comes from; None: it is drawn.
        resume: go on from this checkpoint of the same configuration; if its training is complete, with the test.

    Raises:
        InputError: something in the configuration or the data cannot be used, or the training diverged.
        RunInterrupted: Ctrl-C; the checkpoint that it names is complete.
    """
    load_plugins(cfg.PLUGINS)
    only_view(cfg)
    check_precision(cfg.EVAL.PRECISION, evaluation_device(cfg))
    seed_everything(cfg.SEED, workers=True, verbose=False)
    videos = recognition_videos(cfg, folder, resume is not None)
    bad_videos = build_bad_video_log(cfg, folder, videos.num_videos)
    data = build_recognition_data(cfg, videos, bad_videos)
    best = KeepBest(folder / BEST)
    choose_precision(cfg, folder)
    training = Training(cfg, folder, "fine-tuning", [best] if videos.validation else [])
    steps = training.num_steps(data)
    network = build_classifier(cfg, len(videos.class_names), start)
    task = build_recognition_task(cfg, network, data, videos.class_names, steps, training.trainer.world_size)
    if resume is not None:
        _check_resumable(resume, network, videos, training.complete(resume, data))
    training.prepare([network])
    facts = _facts_of_run(folder, start, resume)
    say(f"run folder: {folder}")  # not before all is found to be in order: until then it may vanish again
    measured = training.fit(task, data, resume)
    facts["train"] = {
        name.removeprefix("train/"): value for name, value in measured.items() if not name.startswith(("val/", "lr-"))
    }
    if videos.validation:
        load_classifier(network, _best_of_validation(folder, best))
        facts["validation"] = {"videos": len(videos.validation), "best_epoch": best.epoch, **best.metrics}
    else:
        take_from_first(network.buffers())  # BatchNorm's statistics are each process's own, and not all are saved
    try:
        recognised = recognise(cfg, network, videos.test, bad_videos, facts)
    except InputError as error:
        raise InputError(
            f"{error} The training is complete and kept. Test its network on mended videos with `iic finetune "
            f"--checkpoint {folder} --test-only`, or complete the run without those that cannot be read with `iic "
            f"finetune --resume {folder} DATA.MAX_BAD_SHARE 1`."
        ) from error
    if recognised is not None:
        write_results(cfg, folder, recognised)
    return Finetuned(network, videos, recognised)


def test(cfg: CfgNode, folder: Path, checkpoint: Checkpoint) -> Recognised | None:
    """Test a classifier as it is, into a run folder that exists.

    Args:
        cfg: the configuration.
        folder: the run folder.
        checkpoint: the fine-tuned network. What it calls its classes need not be in the order of the test videos'.

    Returns:
        What it makes of the test videos; None in further processes.

    Raises:
        InputError: the checkpoint has no classifier, or not one for the classes of the videos.
    """
    with failing_together():
        if not checkpoint.num_classes:
            raise InputError(
                f"{checkpoint.path}: this network has no classifier yet, it was written by {checkpoint.writer}; "
                "fine-tune it first, without --test-only."
            )
        load_plugins(cfg.PLUGINS)
        only_view(cfg)
        videos = test_videos(cfg, folder)
        videos = with_classes(videos, checkpoint.class_names or _guessed_classes(checkpoint, videos))
        network = build_network(cfg, checkpoint.num_classes)
        load_classifier(network, checkpoint)
    say(f"run folder: {folder}")
    if not rank():
        describe_run(folder, cfg.dump())
    bad_videos = build_bad_video_log(cfg, folder, len(videos))
    recognised = recognise(cfg, network, videos, bad_videos, _facts(checkpoint))
    if recognised is not None:
        write_results(cfg, folder, recognised)
    return recognised


def _facts_of_run(folder: Path, start: Checkpoint | None, resume: Checkpoint | None) -> dict[str, Any]:
    """What a run says of where its network is from; a resumed one what it said at first."""
    noted = folder / START
    if resume is None:
        write_json(noted, _facts(start))
    return dict(json.loads(noted.read_text())) if noted.is_file() else _facts(start)


def _facts(start: Checkpoint | None) -> dict[str, Any]:
    """What ``metrics.json`` says of where the network is from."""
    return {"checkpoint": str(start.path), "weights": start.fingerprint} if start else {"checkpoint": None}


def _guessed_classes(checkpoint: Checkpoint, videos: VideoIndex) -> tuple[str, ...]:
    """The classes of the collection, for a classifier of the authors, whose files do not name them."""
    if len(videos.class_names) != checkpoint.num_classes:
        raise InputError(
            f"{checkpoint.path}: it tells {checkpoint.num_classes} classes apart and does not name them, and the test "
            f"videos are of a collection of {len(videos.class_names)}; test it on the collection it was trained on."
        )
    return videos.class_names


def _best_of_validation(folder: Path, best: KeepBest) -> Checkpoint:
    if not best.epoch:
        raise InputError(
            "The loss of the validation videos was never a number: the training diverged. "
            "Lower OPTIM.LR, or set OPTIM.CLIP_NORM to 1."
        )
    return read_checkpoint(folder / BEST)


def _check_resumable(checkpoint: Checkpoint, network: nn.Module, videos: RecognitionVideos, complete: bool) -> None:
    if complete and (checkpoint.run_folder / METRICS).is_file():
        raise already_complete(checkpoint)
    if checkpoint.class_names != videos.class_names:
        raise InputError(
            f"{checkpoint.path}: the run began with {len(checkpoint.class_names)} classes, and the training videos are "
            f"now of {len(videos.class_names)}; resume with the data that the run began with."
        )
    load_classifier(network, checkpoint)
