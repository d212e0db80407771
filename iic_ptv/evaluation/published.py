"""What the paper reports, to stand beside what is measured: figures of Tao, Wang, Yamasaki, ACM MM 2020.

They come from networks trained on UCF101 by the authors, and were not measured with this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from iic_ptv.evaluation.retrieval import PAPER_KS

UCF101, HMDB51 = "ucf101", "hmdb51"


@dataclass(frozen=True)
class Reported:
    """A network of the paper.

    Attributes:
        label: the method.
        backbone: as registered in :data:`~iic_ptv.registry.BACKBONES`.
        retrieval: top-k accuracy in [0, 1] by k, by collection.
        recognition: top-1 accuracy in [0, 1] after fine-tuning, by collection.
    """

    label: str
    backbone: str
    retrieval: Mapping[str, Mapping[int, float]]
    recognition: Mapping[str, float]


def _split_1(label: str, top_k: tuple[float, ...], ucf101: float, hmdb51: float) -> Reported:
    """R3D, on the first split: retrieval on UCF101 at all k, recognition on both; in percent."""
    retrieval = {k: _share(percent) for k, percent in zip(PAPER_KS, top_k, strict=True)}
    return Reported(label, "r3d", {UCF101: retrieval}, {UCF101: _share(ucf101), HMDB51: _share(hmdb51)})


def _all_splits(
    label: str, backbone: str, ucf101_top1: float, ucf101_recognition: float, hmdb51_top1: float
) -> Reported:
    """Another backbone, with residual frames, the mean of the three splits; in percent."""
    retrieval = {UCF101: {1: _share(ucf101_top1)}, HMDB51: {1: _share(hmdb51_top1)}}
    return Reported(f"{label}, 3 splits", backbone, retrieval, {UCF101: _share(ucf101_recognition)})


def _share(percent: float) -> float:
    return round(percent / 100, 3)


PAPER = (
    _split_1("random", (9.9, 18.9, 26.0, 35.5, 51.9), 54.5, 23.4),
    _split_1("CMC", (26.4, 37.7, 45.1, 53.2, 66.3), 59.1, 26.7),
    _split_1("IIC repeat + residual", (36.5, 54.1, 62.9, 72.4, 83.4), 72.8, 35.3),
    _split_1("IIC repeat + u", (41.8, 60.4, 69.5, 78.4, 87.7), 72.7, 36.8),
    _split_1("IIC shuffle + residual", (34.6, 53.0, 62.3, 71.7, 82.4), 74.4, 38.3),
    _split_1("IIC shuffle + v", (42.4, 60.9, 69.2, 77.1, 86.5), 67.0, 34.0),
    _all_splits("IIC repeat", "c3d", 31.9, 70.0, 9.9),
    _all_splits("IIC shuffle", "c3d", 28.9, 69.7, 11.5),
    _all_splits("IIC repeat", "r2plus1d", 34.7, 72.4, 12.7),
    _all_splits("IIC shuffle", "r2plus1d", 30.2, 73.3, 12.6),
    _all_splits("IIC repeat", "r3d_18", 36.8, 72.4, 15.5),
    _all_splits("IIC shuffle", "r3d_18", 33.0, 73.1, 12.4),
)


def reported_retrieval(collection: str, backbone: str = "r3d") -> dict[str, dict[int, float]]:
    """The paper's retrieval with a backbone.

    Args:
        collection: "ucf101" or "hmdb51"; of others the paper says nothing.
        backbone: as registered.

    Returns:
        Top-k accuracy in [0, 1] by k, by label of the method; empty if the paper has none.

    Example:
        >>> reported_retrieval("ucf101")["IIC repeat + residual"][1]
        0.365
    """
    return {
        network.label: dict(network.retrieval[collection])
        for network in PAPER
        if network.backbone == backbone and collection in network.retrieval
    }


def reported_recognition(collection: str, backbone: str = "r3d") -> dict[str, float]:
    """The paper's recognition after fine-tuning a backbone: top-1 accuracy in [0, 1] by label of the method."""
    return {
        network.label: network.recognition[collection]
        for network in PAPER
        if network.backbone == backbone and collection in network.recognition
    }
