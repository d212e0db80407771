"""What is published of a run: its weights in float16, and a record of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from fvcore.common.config import CfgNode
from fvcore.nn import FlopCountAnalysis
from torch import nn

from iic_ptv.errors import InputError
from iic_ptv.registry import load_plugins
from iic_ptv.runs.checkpoint import FINETUNE, PRETRAIN, Checkpoint, networks_fingerprint, read_checkpoint
from iic_ptv.runs.network_description import network_of
from iic_ptv.runs.zoo.described import pretraining_of, published_config
from iic_ptv.runs.zoo.figures import Subject, measured_figures, own_figures
from iic_ptv.runs.zoo.pinned import deviation, pin_clip
from iic_ptv.runs.zoo.request import Request
from iic_ptv.runs.zoo.run_files import run_metrics
from iic_ptv.zoo.build import build_network
from iic_ptv.zoo.loading import in_float32
from iic_ptv.zoo.record import NAME, Metric, Pretraining, PublishedFile, Record
from iic_ptv.zoo.weights_file import WeightsFile, sha256_of

OFFICIAL = {
    "ucf101": "UCF101",
    "hmdb51": "HMDB51",
    "kinetics": "Kinetics",
    "something_something": "Something-Something",
}
BILLION = 1e9


@dataclass(frozen=True, eq=False)
class Run:
    """A run that has ended.

    Attributes:
        checkpoint: its checkpoint.
        metrics: what its ``metrics.json`` says.
        pretraining: how the weights came about.
    """

    checkpoint: Checkpoint
    metrics: dict[str, Any]
    pretraining: Pretraining


def read_run(request: Request) -> Run:
    """The run that is to be published.

    Raises:
        InputError: it has not ended or is of another kind, or nothing says what it was trained on.
    """
    checkpoint = read_checkpoint(request.run)
    if checkpoint.writer not in (PRETRAIN, FINETUNE):
        raise InputError(
            f"{checkpoint.path}: it is of {checkpoint.writer}; runs of `iic pretrain` and `iic finetune` are published."
        )
    metrics = run_metrics(checkpoint.run_folder)
    load_plugins(checkpoint.config.PLUGINS)
    data = request.data or _official_data(checkpoint.config)
    return Run(checkpoint, metrics, pretraining_of(checkpoint, metrics, data, request.data_licence, request.hardware))


def weights_of(run: Run) -> WeightsFile:
    """The weights of a run as they were trained."""
    commit = run.pretraining.commit
    return WeightsFile(
        network_of(run.checkpoint),
        tuple(run.checkpoint.networks),
        published_config(run.checkpoint.config),
        f"{run.checkpoint.writer}{f', commit {commit}' if commit else ''}",
    )


def in_float16(weights: WeightsFile) -> WeightsFile:
    """The weights to publish.

    Raises:
        InputError: some are no numbers, or too great for float16.
    """
    half = weights.half()
    for state in half.networks:
        if bad := [name for name, value in state.items() if not value.isfinite().all()]:
            raise InputError(
                f"the weights cannot be published: {bad[0]} holds what is no number, or too great for float16; the "
                "network has diverged."
            )
    return half


def name_of(run: Run, tag: str) -> str:
    """The name of the checkpoint.

    Raises:
        InputError: it cannot be called so.
    """
    name = f"{run.checkpoint.config.MODEL.BACKBONE}.{tag}"
    if not NAME.fullmatch(name):
        raise InputError(
            f"--tag: '{name}' is no name for a checkpoint; these are of small letters, digits and _, after the point "
            "also of -, like r3d.iic_ucf101."
        )
    return name


def record_of(run: Run, name: str, request: Request, weights: WeightsFile, files: Iterable[Path]) -> Record:
    """The record of a run's weights.

    Args:
        run: the run.
        name: of the checkpoint.
        request: what the run does not tell.
        weights: as they are published.
        files: in which they are.

    Raises:
        InputError: a run of ``request.metrics`` cannot be used.
    """
    data, network, pinned = run.pretraining.data, build_network(weights), pin_clip(weights)
    subject = Subject(run.checkpoint, data, (run.checkpoint.fingerprint, _fingerprint(weights)))
    return Record(
        name,
        request.title or f"{weights.network.architecture}, {run.pretraining.method}, {data}",
        weights.network,
        run.pretraining,
        sum(parameter.numel() for parameter in network.parameters()),
        gflops(network, weights),
        request.licence,
        tuple(PublishedFile(path.name, path.stat().st_size, sha256_of(path), "float16") for path in files),
        (*own_figures(subject, run.metrics), *_figures(request.metrics, subject)),
        replace(pinned, rounding=float(f"{deviation(pinned, weights_of(run)):.2g}")),
        config=f"{name}.yaml",
        log=f"{name}.csv",
        default=request.default,
    )


def _official_data(cfg: CfgNode) -> str:
    """What a collection with official splits is called."""
    if cfg.DATA.KIND not in OFFICIAL:
        raise InputError("--data: say in words what videos the run was trained on, and where others find them.")
    return f"{OFFICIAL[cfg.DATA.KIND]}, split {cfg.DATA.SPLIT}, {cfg.DATA.SUBSET}"


def _fingerprint(weights: WeightsFile) -> str:
    """That of the networks that others build of the file, in float32."""
    return networks_fingerprint([in_float32(state) for state in weights.networks])


def gflops(network: nn.Module, weights: WeightsFile) -> float:
    """Multiply-adds of one clip, in billions, as fvcore counts them."""
    seen, channels = weights.network.clip, weights.network.options.get("in_channels", 3)
    clip = torch.zeros(1, channels, seen.length, seen.crop, seen.crop)
    with torch.no_grad():
        counted = FlopCountAnalysis(network, clip).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        return float(f"{counted.total() / BILLION:.4g}")


def _figures(metrics: Iterable[str], subject: Subject) -> list[Metric]:
    found: list[Metric] = []
    for named in metrics:
        folder, _, data = (named, "", "") if Path(named).is_dir() else named.partition("=")
        found += measured_figures(Path(folder), subject, data)
    return found
