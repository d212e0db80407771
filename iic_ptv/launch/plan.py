"""What a command is going to do, found out before it waits in a queue: mistakes are told now, not in three days."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fvcore.common.config import CfgNode

from iic_ptv.errors import InputError


@dataclass(frozen=True, eq=False)
class Plan:
    """A command that is understood.

    Attributes:
        command: its name.
        cfg: the configuration that it resolves to.
        name: what its run is called.
        folder: the run folder, if it goes on with one.
    """

    command: str
    cfg: CfgNode
    name: str
    folder: Path | None = None


def plan_of(arguments: Sequence[str]) -> Plan:
    """Understand a command.

    Args:
        arguments: the command, without ``iic`` and without options of the job.

    Raises:
        InputError: it cannot be launched, or something in it cannot be used.
    """
    from iic_ptv.cli.main import make_parser

    if not arguments or arguments[0] not in PLANNERS:
        raise InputError(f"iic launch: name a command to launch, one of {', '.join(PLANNERS)}, with its options.")
    options = make_parser().parse_args(list(arguments))
    plan: Plan = PLANNERS[arguments[0]](options)
    if plan.command in ("pretrain", "finetune"):
        check_parts(plan.cfg)
        check_videos(plan.cfg)
    return plan


def _pretrain(options: argparse.Namespace) -> Plan:
    from iic_ptv.runs.checkpoint import PRETRAIN
    from iic_ptv.runs.pretraining.command import pretrain_config
    from iic_ptv.runs.pretraining.pretrain import run_name
    from iic_ptv.runs.resume import resumed

    if options.resume is not None:
        cfg, checkpoint = resumed(options.resume, PRETRAIN, options.overrides)
        return Plan("pretrain", cfg, run_name(cfg), checkpoint.run_folder)
    cfg = pretrain_config(options.config, options.data, options.overrides)
    return Plan("pretrain", cfg, run_name(cfg))


def _finetune(options: argparse.Namespace) -> Plan:
    from iic_ptv.cli.finetune import request_of
    from iic_ptv.runs.checkpoint import FINETUNE, read_checkpoint
    from iic_ptv.runs.recognition.config import finetune_config, finetune_name
    from iic_ptv.runs.resume import resumed

    if options.resume is not None:
        cfg, checkpoint = resumed(options.resume, FINETUNE, options.overrides)
        return Plan("finetune", cfg, cfg.NAME, checkpoint.run_folder)
    start = read_checkpoint(options.checkpoint) if options.checkpoint else None
    cfg = finetune_config(request_of(options), start)
    return Plan("finetune", cfg, finetune_name(cfg, start))


def _evaluation(command: str, options: argparse.Namespace) -> Plan:
    from iic_ptv.cli.evaluation import request_of
    from iic_ptv.runs.checkpoint import read_checkpoint
    from iic_ptv.runs.evaluation.evaluate import evaluation_config
    from iic_ptv.runs.pretraining.pretrain import run_name

    checkpoint = read_checkpoint(options.checkpoint) if options.checkpoint else None
    cfg = evaluation_config(command, request_of(options), checkpoint)
    return Plan(command, cfg, run_name(cfg))


def _index(options: argparse.Namespace) -> Plan:
    from iic_ptv.cli.index import request_of
    from iic_ptv.runs.search.index_folder import index_config

    return Plan("index", index_config(request_of(options)), Path(options.output).stem)


PLANNERS: dict[str, Callable[[argparse.Namespace], Plan]] = {
    "pretrain": _pretrain,
    "finetune": _finetune,
    "retrieve": partial(_evaluation, "retrieve"),
    "probe": partial(_evaluation, "probe"),
    "index": _index,
}


def check_parts(cfg: CfgNode) -> None:
    """Make sure that all parts that a configuration names exist, and that its loss has the options that are set.

    Raises:
        InputError: one does not; the message lists those that do.
    """
    from iic_ptv.registry import BACKBONES, VIEWS, load_plugins
    from iic_ptv.runs.intra_negatives import intra_negative_names
    from iic_ptv.runs.losses import check_loss

    load_plugins(cfg.PLUGINS)
    BACKBONES.get(cfg.MODEL.BACKBONE)
    for view in cfg.VIEWS:
        VIEWS.get(view)
    intra_negative_names(cfg.INTRA_NEGATIVE)
    check_loss(cfg)


def check_videos(cfg: CfgNode) -> None:
    """Make sure that videos are named, and say so if they are not here: they may be where the job will run alone.

    Raises:
        InputError: none are.
    """
    from iic_ptv.runs.build import SCENES
    from iic_ptv.runs.terminal import say

    if cfg.DATA.KIND == SCENES:
        return
    if not cfg.DATA.ROOT:
        raise InputError("DATA.ROOT: name the folder of the videos, for example with --data FOLDER.")
    if not Path(cfg.DATA.ROOT).exists():
        say(f"{cfg.DATA.ROOT} is not on this machine; the job will look for it where it runs", style="yellow")
