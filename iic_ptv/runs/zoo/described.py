"""What a run tells of its network, for others: nothing of it is about the machine that it ran on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fvcore.common.config import CfgNode

from iic_ptv.config import default_config
from iic_ptv.data.flow.computed import METHODS
from iic_ptv.errors import InputError
from iic_ptv.runs.checkpoint import PRETRAIN, Checkpoint
from iic_ptv.runs.intra_negatives import NO_INTRA_NEGATIVE
from iic_ptv.runs.source import read_source
from iic_ptv.zoo.record import Pretraining

PATHS = ("ROOT", "LISTS", "CLASS_INDEX", "ANNOTATIONS", "MANIFEST")  # of DATA
LISTED = ("ucf101_lists", "csv")  # kinds of data that are nothing without a list
SECONDS_PER_HOUR = 3600


def published_config(cfg: CfgNode) -> str:
    """The configuration without names of files and folders, as YAML."""
    cfg, default = cfg.clone(), default_config()
    cfg.NAME, cfg.OUTPUT = default.NAME, default.OUTPUT
    cfg.EVAL.GALLERY, cfg.EVAL.QUERY = default.EVAL.GALLERY, default.EVAL.QUERY
    for key in PATHS:
        cfg.DATA[key] = default.DATA[key]
    if cfg.DATA.KIND in LISTED:  # by what is not published
        cfg.DATA.KIND = default.DATA.KIND
    if cfg.DATA.FLOW not in METHODS:
        cfg.DATA.FLOW = default.DATA.FLOW
    return cfg.dump()


def pretraining_of(
    checkpoint: Checkpoint, metrics: dict[str, Any], data: str, data_licence: str, hardware: str
) -> Pretraining:
    """How the weights came about.

    Args:
        checkpoint: of the run.
        metrics: what the run's ``metrics.json`` says.
        data: what it was trained on, in words.
        data_licence: their licence.
        hardware: what it ran on, in words.
    """
    training = metrics.get("train", metrics)
    method, intra_negative = _method(checkpoint, metrics)
    commits = _commits(checkpoint.run_folder)
    # What a run notes is the time since it began or was resumed.
    whole = len(list(checkpoint.run_folder.glob("versions*.json"))) == 1
    return Pretraining(
        method,
        intra_negative,
        data,
        data_licence,
        training["videos"],
        training["epochs"],
        checkpoint.config.SEED,
        ", ".join(commits),
        hardware,
        float(f"{training['seconds'] / SECONDS_PER_HOUR:.2g}") if whole else None,
    )


def _method(checkpoint: Checkpoint, metrics: dict[str, Any]) -> tuple[str, str]:
    """The method and its intra-negative; of a fine-tuned network, those of what it started from."""
    if checkpoint.writer == PRETRAIN:
        intra_negative = checkpoint.config.INTRA_NEGATIVE
        return "CMC" if intra_negative == NO_INTRA_NEGATIVE else "IIC", intra_negative
    start = metrics.get("checkpoint")
    if not start:
        return "supervised, from scratch", NO_INTRA_NEGATIVE
    try:
        before = read_source(start).pretraining
    except InputError:  # it is no longer there
        return "pre-trained, fine-tuned", NO_INTRA_NEGATIVE
    return f"{before.method or 'pre-trained'}, fine-tuned", before.intra_negative or NO_INTRA_NEGATIVE


def _commits(folder: Path) -> list[str]:
    """The commits of the code of a run and its resumptions, each once; those that are not known are left out."""
    found = [json.loads(path.read_text()).get("commit", "") for path in sorted(folder.glob("versions*.json"))]
    return [commit for commit in dict.fromkeys(found) if commit and not commit.startswith("unknown")]
