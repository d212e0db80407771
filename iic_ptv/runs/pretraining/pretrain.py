"""Pre-training: from a configuration to a run folder with checkpoints, logs and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fvcore.common.config import CfgNode
from lightning.pytorch import Callback, seed_everything

from iic_ptv.config import default_config
from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.clips import EvaluationClipDataset
from iic_ptv.data.index import VideoIndex
from iic_ptv.data.loaders import ClipLoader, evaluation_loader
from iic_ptv.data.module import ClipDataModule
from iic_ptv.errors import InputError
from iic_ptv.registry import load_plugins
from iic_ptv.runs.build import (
    BatchTransform,
    build_bad_video_log,
    build_data,
    build_evaluation_clips,
    build_index,
    build_task,
    start_method,
)
from iic_ptv.runs.checkpoint import Checkpoint, load_networks, read_checkpoint
from iic_ptv.runs.evaluation.sources import evaluation_indices
from iic_ptv.runs.folder import METRICS, write_json
from iic_ptv.runs.precision import choose_precision
from iic_ptv.runs.resume import already_complete
from iic_ptv.runs.training import Training, without_known_bad
from iic_ptv.shares import own_share
from iic_ptv.tasks.callbacks import FillBanks
from iic_ptv.tasks.ended_epoch import EndedEpoch
from iic_ptv.tasks.iic import IICTask
from iic_ptv.tasks.online_knn import OnlineKNN


@dataclass(frozen=True)
class Pretrained:
    """What a pre-training leaves.

    Attributes:
        task: the trained task, in memory.
        folder: the run folder.
        metrics: what ``metrics.json`` says.
    """

    task: IICTask
    folder: Path
    metrics: dict[str, Any]


def run_name(cfg: CfgNode) -> str:
    """A name that tells a run from others: every option that is commonly varied."""
    if cfg.NAME:
        return str(cfg.NAME)
    views = "+".join(cfg.VIEWS)
    loss = "" if cfg.LOSS.NAME == default_config().LOSS.NAME else f"-{cfg.LOSS.NAME}"
    clip = f"{cfg.DATA.CLIP_LENGTH}x{cfg.DATA.CROP}"
    return f"{cfg.MODEL.BACKBONE}-{views}-{cfg.INTRA_NEGATIVE}{loss}-{clip}-seed{cfg.SEED}"


def pretrain(cfg: CfgNode, folder: Path, resume: Checkpoint | None = None, label: str = "pre-training") -> Pretrained:
    """Pre-train as configured, into a run folder that exists.

    Args:
        cfg: the configuration.
        folder: the run folder; gets ``config.yaml``, ``versions.json``, ``logs/``, ``checkpoints/``, ``metrics.json``.
        resume: go on from this checkpoint of the same configuration.
        label: what the progress bar is called.

    Raises:
        InputError: something in the configuration or the data cannot be used.
        RunInterrupted: Ctrl-C; the checkpoint that it names is complete.
    """
    training, task, data = ready_to_pretrain(cfg, folder, label, resumed=resume is not None)
    if resume is not None:
        _check_resumable(task, resume, len(data.train), training.complete(resume, data))
    metrics = training.fit(task, data, resume)
    if training.trainer.is_global_zero:
        write_json(folder / METRICS, metrics)
    return Pretrained(task, folder, metrics)


def ready_to_pretrain(
    cfg: CfgNode, folder: Path, label: str, callbacks: Sequence[Callback] = (), resumed: bool = False
) -> tuple[Training, IICTask, ClipDataModule]:
    """All that a pre-training needs, up to its first step.

    Args:
        cfg: the configuration, in which the precision is chosen.
        folder: the run folder.
        label: what the progress bar is called.
        callbacks: further callbacks.
        resumed: whether it goes on with a run.

    Raises:
        InputError: something in the configuration or the data cannot be used.
    """
    load_plugins(cfg.PLUGINS)
    seed_everything(cfg.SEED, workers=True, verbose=False)
    index = without_known_bad(cfg, folder, build_index(cfg), resumed)
    data = build_data(cfg, index, build_bad_video_log(cfg, folder, len(index)))
    fill = [FillBanks(data.fill_dataloader)] if cfg.LOSS.FILL_BANKS else []
    choose_precision(cfg, folder)
    training = Training(cfg, folder, label, [EndedEpoch(), *fill, *_online_knn(cfg, folder), *callbacks])
    start = read_checkpoint(cfg.MODEL.WEIGHTS) if cfg.MODEL.WEIGHTS and not resumed else None
    task = build_task(cfg, len(index), training.num_steps(data), training.trainer.world_size, start)
    training.prepare(task.encoders)
    return training, task, data


def _online_knn(cfg: CfgNode, folder: Path) -> list[Callback]:
    """The callback that watches the k-NN accuracy, if it is asked for."""
    if not cfg.ONLINE_KNN.EVERY:
        return []
    indices = evaluation_indices(cfg)
    bad_videos = BadVideoLog(folder / "bad_videos_online_knn.csv")  # not those of the training, whose share is limited

    def clips(index: VideoIndex) -> tuple[EvaluationClipDataset, BatchTransform]:
        return build_evaluation_clips(cfg, index, cfg.VIEWS, bad_videos, cfg.ONLINE_KNN.NUM_CLIPS)

    (gallery, transform), (query, _) = map(clips, indices)

    def batches(clips: EvaluationClipDataset) -> ClipLoader:
        rows = own_share(range(len(clips)))  # when it is called: before the training, processes do not know each other
        return evaluation_loader(clips, cfg.EVAL.BATCH_SIZE, cfg.DATA.NUM_WORKERS, start_method(cfg), rows)

    return [
        OnlineKNN(
            partial(batches, gallery),
            partial(batches, query),
            num_classes=1 + max(int(index.labels.max()) for index in indices),
            every=cfg.ONLINE_KNN.EVERY,
            k=cfg.PROBE.NEIGHBOURS,
            temperature=cfg.PROBE.TEMPERATURE,
            transform=transform,
        )
    ]


def _check_resumable(task: IICTask, checkpoint: Checkpoint, num_videos: int, complete: bool) -> None:
    if complete and (checkpoint.run_folder / METRICS).is_file():
        raise already_complete(checkpoint)
    load_networks(task.networks, checkpoint)
    banks = checkpoint.bank_shape
    own = getattr(getattr(task.loss, "bank", None), "shape", None)
    if banks is not None and banks != own:
        raise InputError(
            f"{checkpoint.path}: its memory banks are {banks}, this run's would be {own}: "
            f"the data now hold {num_videos} videos; "
            "resume with the data, views, intra-negatives and head that the run began with."
        )
