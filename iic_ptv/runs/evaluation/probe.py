"""Probes of frozen features: weighted k-NN, a linear classifier, and linear classifiers of few labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from fvcore.common.config import CfgNode

from iic_ptv.evaluation.classification import ClassificationScores, classification_scores
from iic_ptv.evaluation.features import VideoFeatures
from iic_ptv.evaluation.few_shot import few_shot_accuracy
from iic_ptv.evaluation.knn import knn_scores
from iic_ptv.evaluation.linear_probe import fit_linear_probe
from iic_ptv.runs.evaluation.embed import Views, with_joint


@dataclass(frozen=True, eq=False)
class Probed:
    """What the features of one view are worth.

    Attributes:
        knn: how the weighted k-NN classifies.
        linear: how a linear classifier does.
        few_shot: accuracies in [0, 1] of linear classifiers that have seen n videos of each class, one per draw, by n.
    """

    knn: ClassificationScores
    linear: ClassificationScores
    few_shot: dict[int, torch.Tensor]

    def metrics(self) -> dict[str, Any]:
        """Plain numbers for ``metrics.json``."""
        numbers: dict[str, Any] = {
            f"{name}_{top}": round(getattr(scores, top), 4)
            for name, scores in (("knn", self.knn), ("linear", self.linear))
            for top in ("top1", "top5")
        }
        for shots, accuracies in self.few_shot.items():
            numbers[f"shots{shots}"] = round(accuracies.mean().item(), 4)
            numbers[f"shots{shots}_deviation"] = round(accuracies.std().item(), 4) if len(accuracies) > 1 else 0.0
        return numbers


def possible_shots(wanted: Sequence[int], gallery: VideoFeatures, query: VideoFeatures) -> list[int]:
    """Those numbers of videos that the gallery has of every class, less the videos that could not be read."""
    labels = torch.cat([gallery.labels, query.labels]).unique()
    fewest = min(int((gallery.labels == label).sum()) for label in labels)
    return [shots for shots in wanted if shots <= fewest]


def probe_views(cfg: CfgNode, shots: Sequence[int], gallery: Views, query: Views) -> dict[str, Probed]:
    """Probe every view, and all of them jointly.

    Args:
        cfg: the configuration, for ``PROBE`` and the seed.
        shots: labelled videos of each class, for few-shot probes.
        gallery: features of the videos with whose labels queries are classified, by view.
        query: features of the videos to classify, of the same views.
    """
    gallery, query = with_joint(gallery), with_joint(query)
    return {view: probe(cfg, shots, gallery[view], query[view]) for view in query}


def probe(cfg: CfgNode, shots: Sequence[int], gallery: VideoFeatures, query: VideoFeatures) -> Probed:
    """Classify the queries by the labels of the gallery, in several ways."""
    classes = len(gallery.class_names) or int(torch.cat([gallery.labels, query.labels]).max()) + 1
    votes = knn_scores(
        query.features,
        gallery.features,
        gallery.labels,
        num_classes=classes,
        k=cfg.PROBE.NEIGHBOURS,
        temperature=cfg.PROBE.TEMPERATURE,
    )
    linear = fit_linear_probe(gallery.features, gallery.labels, classes)
    few_shot = {
        number: few_shot_accuracy(
            gallery.features,
            gallery.labels,
            query.features,
            query.labels,
            shots=number,
            draws=cfg.PROBE.DRAWS,
            seed=cfg.SEED,
            class_names=gallery.class_names,
        )
        for number in shots
    }
    return Probed(
        classification_scores(votes, query.labels, classes),
        classification_scores(linear.logits(query.features), query.labels, classes),
        few_shot,
    )
