"""What ``iic pretrain`` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fvcore.common.config import CfgNode

from iic_ptv.config import load_config
from iic_ptv.errors import InputError, RunInterrupted
from iic_ptv.runs.build import build_bad_video_log
from iic_ptv.runs.checkpoint import PRETRAIN, Checkpoint
from iic_ptv.runs.folder import is_further_process, joint_run_folder
from iic_ptv.runs.pretraining.pretrain import pretrain, run_name
from iic_ptv.runs.pretraining.report import write_pretrain_report
from iic_ptv.runs.resume import make_paths_absolute, resumed
from iic_ptv.runs.terminal import console, say, say_bad_videos


def pretrain_command(config: str | None, data: str | None, overrides: Sequence[str], resume: str | None) -> None:
    """Pre-train in a new run folder, or go on in an old one."""
    if resume is not None:
        _resume(resume, config, _with_root(data, overrides))
        return
    cfg = pretrain_config(config, data, overrides)
    with joint_run_folder(cfg.OUTPUT, "pretrain", run_name(cfg)) as folder:
        _pretrain(cfg, folder, None)


def pretrain_config(config: str | None, data: str | None, overrides: Sequence[str]) -> CfgNode:
    """The configuration of a new run.

    Raises:
        InputError: the file or an option cannot be used.
    """
    cfg = load_config(config, _with_root(data, overrides))
    make_paths_absolute(cfg)
    return cfg


def _resume(resume: str, config: str | None, overrides: Sequence[str]) -> None:
    """Go on with the configuration in the checkpoint, in its run folder."""
    if config is not None:
        raise InputError(
            "--resume goes on with the run's own configuration: leave --config out, or change single keys."
        )
    cfg, checkpoint = resumed(resume, PRETRAIN, overrides)
    _pretrain(cfg, checkpoint.run_folder, checkpoint)


def _pretrain(cfg: CfgNode, folder: Path, checkpoint: Checkpoint | None) -> None:
    console.quiet = is_further_process()
    say(f"run folder: {folder}")
    try:
        result = pretrain(cfg, folder, checkpoint)
    except RunInterrupted:
        say(f"stopped; go on with: iic pretrain --resume {folder}")
        raise
    say_bad_videos(folder, build_bad_video_log(cfg, folder, result.metrics["videos"]))
    if not is_further_process():
        say(f"report: {write_pretrain_report(folder, cfg, result.metrics)}")
    rate, seconds = result.metrics["clips_per_second"], result.metrics["seconds"]
    say(f"{result.metrics['epochs']} epochs in {seconds:.0f} s, {rate:.1f} clips/s; next, for example:")
    say(f"  iic retrieve --checkpoint {folder} --query TEST_LIST_OR_FOLDER")


def _with_root(data: str | None, overrides: Sequence[str]) -> list[str]:
    """The overrides, with ``--data FOLDER`` as the first of them."""
    return [*(["DATA.ROOT", data] if data else []), *overrides]
