"""The figures of a checkpoint: what runs of `iic retrieve`, `iic probe` and `iic finetune` have measured of it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fvcore.common.config import CfgNode

from iic_ptv.errors import InputError
from iic_ptv.evaluation.feature_file import EXTENSION
from iic_ptv.runs.checkpoint import Checkpoint
from iic_ptv.runs.evaluation.embed import JOINT
from iic_ptv.runs.terminal import counted
from iic_ptv.runs.zoo.run_files import run_config, run_metrics
from iic_ptv.zoo.record import MEASURED, Metric

RETRIEVAL = {"top1": "retrieval top-1", "top5": "retrieval top-5", "map": "retrieval mAP"}
PROBES = {"knn_top1": "k-NN top-1", "linear_top1": "linear probe top-1"}
RECOGNITION = {"top1": "recognition top-1", "top5": "recognition top-5"}
FEW_SHOT = re.compile(r"shots(\d+)")


@dataclass(frozen=True)
class Subject:
    """What figures should be about.

    Attributes:
        checkpoint: the checkpoint.
        data: what it was trained on, in words.
        fingerprints: of the networks that count as the checkpoint's.
    """

    checkpoint: Checkpoint
    data: str
    fingerprints: Collection[str]


def measured_figures(folder: Path, subject: Subject, data: str = "") -> tuple[Metric, ...]:
    """What a run has measured of a checkpoint.

    Args:
        folder: the run folder of `iic retrieve`, `iic probe` or `iic finetune`.
        subject: what it should be about.
        data: what it measured on, in words; by default other videos of the folder of the training.

    Raises:
        InputError: it is no such run or has not ended, it is about other weights, or nothing says what it measured on.
    """
    metrics, cfg = run_metrics(folder), run_config(folder)
    _check_same_weights(folder, metrics, subject)
    if not data and not _on_videos_of(subject.checkpoint.config, cfg):
        raise InputError(
            f"--metrics: {folder} has measured on other videos than those of the training; say in words which these "
            f'are, as in --metrics "{folder}=UCF101, split 1".'
        )
    return tuple(_figures(folder, metrics, cfg, data or subject.data))


def own_figures(subject: Subject, metrics: dict[str, Any]) -> tuple[Metric, ...]:
    """What a run of `iic finetune` has measured of its own network; nothing of those of `iic pretrain`."""
    if "test" not in metrics:
        return ()
    checkpoint = subject.checkpoint
    return tuple(_recognition(checkpoint.run_folder, metrics, checkpoint.config, subject.data))


def _check_same_weights(folder: Path, metrics: dict[str, Any], subject: Subject) -> None:
    path = metrics.get("checkpoint")
    if "weights" in metrics:  # runs of older versions note the path alone
        same = metrics["weights"] in subject.fingerprints
    else:
        same = path is not None and os.path.realpath(path) == os.path.realpath(subject.checkpoint.path)
    if not same:
        raise InputError(
            f"--metrics: {folder} is about other weights, {path or 'an untrained network'}, not about "
            f"{subject.checkpoint.path}."
        )


def _on_videos_of(trained: CfgNode, cfg: CfgNode) -> bool:
    """Whether a run takes its videos from the folder of the training: by lists, not from a folder of their own."""
    named = [*cfg.EVAL.GALLERY, *cfg.EVAL.QUERY]
    same = os.path.realpath(trained.DATA.ROOT) == os.path.realpath(cfg.DATA.ROOT)
    return same and not any(Path(name).is_dir() or name.endswith(EXTENSION) for name in named)


def _figures(folder: Path, metrics: dict[str, Any], cfg: CfgNode, data: str) -> Iterator[Metric]:
    if "test" in metrics:
        yield from _recognition(folder, metrics, cfg, data)
        return
    views = {name: scores for name, scores in metrics.items() if isinstance(scores, dict) and name in _views(cfg)}
    if not views:
        raise InputError(f"--metrics: {folder} is no run of `iic retrieve`, `iic probe` or `iic finetune`.")
    for view, scores in views.items():
        untrained = metrics.get("untrained", {}).get(view, {})
        for key, name in _names(scores, overall=view == list(views)[-1]).items():
            if key in scores:
                yield Metric(
                    name,
                    _percent(scores[key]),
                    data,
                    f"{_view(cfg, view)}; {_how(cfg, metrics, key)}",
                    MEASURED,
                    _percent(untrained[key]) if key in untrained else None,
                    _date(folder),
                )


def _views(cfg: CfgNode) -> list[str]:
    return [*(cfg.EVAL.VIEWS or cfg.VIEWS), JOINT]


def _view(cfg: CfgNode, view: str) -> str:
    return f"{' + '.join(_views(cfg)[:-1])} jointly" if view == JOINT else view


def _names(scores: dict[str, Any], overall: bool) -> dict[str, str]:
    """The figures of a view to publish: the first of all views, the others of what stands for all alone."""
    few_shot = {key: f"{found[1]}-shot linear top-1" for key in scores if (found := FEW_SHOT.fullmatch(key))}
    names = {**(RETRIEVAL if "map" in scores else PROBES), **few_shot}
    return names if overall else {key: name for key, name in names.items() if key in ("top1", *PROBES)}


def _how(cfg: CfgNode, metrics: dict[str, Any], key: str) -> str:
    chance = metrics["chance"]
    chance = chance.get(key) if isinstance(chance, dict) else chance
    said = [f"{metrics['query_videos']:,} test videos against {metrics['gallery_videos']:,}"]
    said += [f"{cfg.EVAL.FEATURES} features of {counted(cfg.EVAL.NUM_CLIPS, 'clip')}"]
    said += [f"{cfg.PROBE.NEIGHBOURS} neighbours"] if key.startswith("knn") else []
    said += [f"mean of {cfg.PROBE.DRAWS} draws"] if FEW_SHOT.fullmatch(key) else []
    said += [f"chance {100 * chance:.1f} %"] if chance is not None else []
    return ", ".join(said)


def _recognition(folder: Path, metrics: dict[str, Any], cfg: CfgNode, data: str) -> Iterator[Metric]:
    training = metrics.get("train")
    said = []
    if training:
        said += [f"trained for {counted(training['epochs'], 'epoch')} on {counted(training['videos'], 'video')}"]
    said += [counted(metrics["test"]["videos"], "test video"), counted(cfg.EVAL.NUM_CLIPS, "clip")]
    for key, name in RECOGNITION.items():
        yield Metric(
            name,
            _percent(metrics["test"][key]),
            data,
            f"{cfg.VIEWS[0]}; {', '.join(said)}, chance {100 * metrics['chance'][key]:.1f} %",
            MEASURED,
            date=_date(folder),
        )


def _percent(share: float) -> float:
    return round(100 * share, 2)


def _date(folder: Path) -> str:
    """The day of a run, which its folder is named by; else that on which it ended."""
    if found := re.match(r"(\d{4})(\d{2})(\d{2})-\d{6}-", folder.resolve().name):
        return "-".join(found.groups())
    return f"{datetime.fromtimestamp((folder / 'metrics.json').stat().st_mtime):%Y-%m-%d}"
