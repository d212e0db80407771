"""Files of a run folder that publishing reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fvcore.common.config import CfgNode

from iic_ptv.config import load_config
from iic_ptv.errors import InputError
from iic_ptv.evaluation.curves import Curve
from iic_ptv.runs.training_curves import training_curves

MOST_POINTS = 200  # of a curve in a published log


def run_metrics(folder: Path) -> dict[str, Any]:
    """What a run's ``metrics.json`` says.

    Raises:
        InputError: the folder is no run folder, or its run has not ended.
    """
    path = folder / "metrics.json"
    if not path.is_file():
        raise InputError(f"{folder}: there is no metrics.json: it is no run folder, or its run has not ended.")
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}).") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected an object, got {type(content).__name__}.")
    return content


def run_config(folder: Path) -> CfgNode:
    """The configuration of a run.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    return load_config(folder / "config.yaml")


def compact_log(folder: Path) -> str:
    """The curves of a training as CSV: a column for each metric, at most 200 evenly spread points of each."""
    curves = {name: dict(_thinned(curve)) for name, curve in sorted(training_curves(folder).items())}
    lines = [",".join(["step", *curves])]
    for step in sorted({step for curve in curves.values() for step in curve}):
        values = (f"{curve[step]:.5g}" if step in curve else "" for curve in curves.values())
        lines.append(",".join([f"{step:g}", *values]))
    return "\n".join(lines) + "\n"


def _thinned(curve: Curve) -> Curve:
    """The last point, and so many before it, evenly spread."""
    every = -(-len(curve) // MOST_POINTS)
    return curve[::-1][::every][::-1]
