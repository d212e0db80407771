"""What a recognition run leaves: scores, the predictions for every test video, and a report."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from fvcore.common.config import CfgNode
from rich.table import Table as TerminalTable
from torch import nn

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.index import VideoIndex
from iic_ptv.distributed import told_by_first
from iic_ptv.evaluation.classification import ClassificationScores, classification_scores
from iic_ptv.evaluation.features import VideoFeatures
from iic_ptv.evaluation.published import reported_recognition
from iic_ptv.evaluation.report import Report, write_report
from iic_ptv.evaluation.sections import ConfusionMatrix, Curves, Section, Table, Tile, Tiles
from iic_ptv.evaluation.shared_features import extract_rows, extracted_together
from iic_ptv.files.atomic import atomic_write
from iic_ptv.runs.build import build_evaluation_loader, build_views, evaluation_device, prepare_extraction
from iic_ptv.runs.evaluation.embed import chosen
from iic_ptv.runs.folder import METRICS, command_line, versions, write_json
from iic_ptv.runs.terminal import counted
from iic_ptv.runs.training_curves import training_curves
from iic_ptv.shares import own_share

PREDICTIONS = 5  # classes that predictions.csv names for every video
CURVES = {"loss": ("Loss (nats)", 1.0), "top1": ("Top-1 accuracy (%)", 100.0)}
PARTS = {"train": "training", "val": "validation"}


@dataclass(frozen=True, eq=False)
class Recognised:
    """What a classifier made of the test videos.

    Attributes:
        videos: their keys and labels; their "features" are the logits ``(N, C)``, means over the clips of a video.
        scores: how good they are.
        training: what ``metrics.json`` says of how the network was trained.
    """

    videos: VideoFeatures
    scores: ClassificationScores
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def chance(self) -> dict[str, float]:
        """Accuracies of guessing."""
        count = len(self.videos.class_names)
        return {f"top{k}": round(min(k / count, 1), 4) for k in (1, PREDICTIONS)}

    @property
    def counts(self) -> list[int]:
        """Test videos of every class."""
        return self.scores.confusion.sum(dim=1).tolist()


def recognise(
    cfg: CfgNode, network: nn.Module, test: VideoIndex, bad_videos: BadVideoLog, training: Mapping[str, Any]
) -> Recognised | None:
    """Classify test videos by the paper's protocol: ``EVAL.NUM_CLIPS`` clips of each, their logits averaged.

    All processes that work together share the videos.

    Returns:
        What the network makes of them; None in further processes.

    Raises:
        InputError: the network has diverged, or no video can be read.
    """
    # A test that is gone on with leaves out what it left out before.
    test = _without(test, told_by_first(set(bad_videos.read())))
    batches, transform = build_evaluation_loader(cfg, test, cfg.VIEWS, bad_videos, own_share(range(len(test))))
    views = dict(zip(cfg.VIEWS, build_views(cfg.VIEWS), strict=True))
    device = evaluation_device(cfg)
    prepare_extraction(cfg, [network])
    found = extracted_together(
        lambda: extract_rows(network, batches, views, device, None, transform, cfg.EVAL.PRECISION)
    )
    if found is None:
        return None
    (logits,) = found.views.values()
    videos = VideoFeatures(logits, found.labels, chosen(test, found.rows).keys, test.class_names)
    return Recognised(videos, classification_scores(logits, found.labels), training)


def _without(test: VideoIndex, bad: Collection[str]) -> VideoIndex:
    return chosen(test, [row for row, path in enumerate(test.paths) if path not in bad]) if bad else test


def write_results(cfg: CfgNode, folder: Path, recognised: Recognised) -> None:
    """Write ``metrics.json``, ``predictions.csv`` and ``report.html`` into the run folder."""
    write_predictions(folder / "predictions.csv", recognised.videos)
    write_report(folder / "report.html", _report(cfg, folder, recognised))
    write_json(folder / METRICS, _metrics(recognised))  # the last: with it, the run is complete


def write_predictions(path: Path, videos: VideoFeatures) -> None:
    """Write a table of all videos: key, class, and the five likeliest classes with their probabilities."""
    probabilities, classes = videos.features.softmax(dim=1).sort(dim=1, descending=True, stable=True)
    shown = min(PREDICTIONS, classes.shape[1])
    head = ["video", "class", *(f"{what}_{n}" for n in range(1, shown + 1) for what in ("predicted", "probability"))]
    rows = zip(videos.names, videos.labels.tolist(), classes.tolist(), probabilities.tolist(), strict=True)
    names = videos.class_names
    with (
        atomic_write(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        table = csv.writer(file)
        table.writerow(head)
        for name, label, ranking, shares in rows:
            best = zip(ranking[:shown], shares[:shown], strict=True)
            table.writerow([name, names[label], *(cell for c, p in best for cell in (names[c], f"{p:.4f}"))])


def recognition_table(recognised: Recognised) -> TerminalTable:
    """The accuracies in percent, above those of guessing."""
    table = TerminalTable("recognition, % of test videos", "top-1", "top-5")
    scores = {"top1": recognised.scores.top1, "top5": recognised.scores.top5}
    for name, row in (("network", scores), ("chance", recognised.chance)):
        table.add_row(name, *(f"{100 * row[top]:.1f}" for top in ("top1", "top5")))
    return table


def _metrics(recognised: Recognised) -> dict[str, Any]:
    scores, names = recognised.scores, recognised.videos.class_names
    classes = zip(names, recognised.counts, scores.per_class.tolist(), strict=True)
    return {
        "test": {
            "videos": len(recognised.videos),
            "top1": round(scores.top1, 4),
            "top5": round(scores.top5, 4),
        },
        "chance": recognised.chance,
        **recognised.training,
        "per_class": {name: {"videos": count, "top1": round(top1, 4)} for name, count, top1 in classes if count},
        "class_names": list(names),
        "confusion": scores.confusion.tolist(),
    }


def _report(cfg: CfgNode, folder: Path, recognised: Recognised) -> Report:
    scores, names = recognised.scores, recognised.videos.class_names
    tiles = [
        Tile("Top-1", f"{100 * scores.top1:.1f}", f"of {counted(len(recognised.videos), 'test video')}", unit="%"),
        Tile("Top-5", f"{100 * scores.top5:.1f}", unit="%"),
        Tile("Chance", f"{100 * recognised.chance['top1']:.1f}", f"one of {len(names)} classes", unit="%"),
    ]
    if best := recognised.training.get("validation"):
        note = f"top-1 on {counted(best['videos'], 'video')} held out, epoch {best['best_epoch']}"
        tiles.append(Tile("Validation", f"{100 * best['top1']:.1f}", note, unit="%"))
    sections: list[Section] = [Tiles(tiles)]
    if curves := _curves(folder):
        sections.append(Curves(curves))
    sections.append(ConfusionMatrix(scores.confusion, names))
    sections.append(_class_table(recognised))
    if reported := _reported(cfg):
        sections.append(
            Table(
                "Reported by the paper",
                ("pre-training", "top-1, %"),
                [(label, 100 * accuracy) for label, accuracy in reported.items()],
                note="Figures of the paper, of split 1 unless they say otherwise, which were not measured here.",
            )
        )
    start = recognised.training.get("checkpoint")
    return Report(
        f"Recognition of {len(names)} classes",
        f"{cfg.MODEL.BACKBONE} was {f'fine-tuned from {start}' if start else 'trained from scratch'} on "
        f"{cfg.VIEWS[0]} frames, and tested on {cfg.EVAL.NUM_CLIPS} clips of each test video, their logits averaged.",
        sections,
        cfg.dump(),
        versions(),
        command_line(),
    )


def _reported(cfg: CfgNode) -> dict[str, float]:
    """The paper's figures, where they are of the videos that were trained and tested on: those of official split 1."""
    if cfg.DATA.LISTS or cfg.EVAL.QUERY or cfg.DATA.SPLIT != 1:
        return {}
    return reported_recognition(cfg.DATA.KIND, cfg.MODEL.BACKBONE)


def _curves(folder: Path) -> dict[str, dict[str, Any]]:
    """The curves of training and validation by title, those of a network that is only tested being none."""
    logged = training_curves(folder)
    charts = {
        title: {
            label: [(step, factor * value) for step, value in logged[f"{part}/{name}"]]
            for part, label in PARTS.items()
            if f"{part}/{name}" in logged
        }
        for name, (title, factor) in CURVES.items()
    }
    return {title: curves for title, curves in charts.items() if curves}


def _class_table(recognised: Recognised) -> Table:
    scores, names = recognised.scores, recognised.videos.class_names
    mistakes = scores.confusion.clone().fill_diagonal_(0)
    rows: list[tuple[str | float, ...]] = []
    for label in torch.tensor(recognised.counts).nonzero().flatten().tolist():
        often = int(mistakes[label].argmax())
        taken_for = f"{names[often]} ({int(mistakes[label, often])})" if mistakes[label, often] else ""
        rows.append((names[label], recognised.counts[label], 100 * float(scores.per_class[label]), taken_for))
    return Table("Class by class", ("class", "test videos", "top-1, %", "most often taken for"), rows)
