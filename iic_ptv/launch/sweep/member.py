"""The members of a sweep: what each is to compute, step by step, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fvcore.common.config import CfgNode

from iic_ptv.config import parse_config
from iic_ptv.launch.sweep.grid import overrides_of
from iic_ptv.runs.checkpoint import read_checkpoint
from iic_ptv.runs.folder import METRICS
from iic_ptv.runs.precision import AUTO
from iic_ptv.runs.resume import CHANGEABLE
from iic_ptv.runs.run_record import flat

PLAN = "plan"  # in the folder of a member
CHOSEN_BY_RUNS = (("TRAINER.PRECISION", AUTO),)


@dataclass(frozen=True, eq=False)
class Step:
    """What a member does at one go: its training, or an evaluation.

    Attributes:
        name: ``pretrain``, or that of the evaluation.
        command: of ``iic``.
        folder: its run folder.
        plan: the file with its configuration, which is not looked up elsewhere later.
        cfg: that configuration.
        start: the run whose network it takes; None: one that is drawn.
    """

    name: str
    command: str
    folder: Path
    plan: Path
    cfg: CfgNode
    start: Path | None

    @property
    def is_done(self) -> bool:
        """Whether its results are there."""
        return (self.folder / METRICS).is_file()

    @property
    def arguments(self) -> list[str]:
        """The command, without ``iic``."""
        start = [] if self.start is None else ["--checkpoint", str(self.start)]
        return [self.command, *start, "--config", str(self.plan)]


@dataclass(frozen=True, eq=False)
class Member:
    """A run of a sweep.

    Attributes:
        name: what it is called.
        folder: the run folder of its pre-training; those of its evaluations are inside.
        options: those that vary, and its row if there are rows.
        steps: the training, unless it is of a row that is not trained, and the evaluations.
    """

    name: str
    folder: Path
    options: Mapping[str, Any]
    steps: Sequence[Step]

    @property
    def is_done(self) -> bool:
        """Whether all its results are there."""
        return all(step.is_done for step in self.steps)

    def write_plan(self) -> None:
        """Make its folder, with what is left to compute."""
        (self.folder / PLAN).mkdir(parents=True, exist_ok=True)
        for step in self.steps:
            if not step.is_done:
                step.plan.write_text(step.cfg.dump())


def changes_of(plan: Path, folder: Path) -> list[str]:
    """What a run that goes on has to change for its plan: where it runs, not what it computes.

    What it has chosen by itself, in the place of an "auto", stays as it is.

    Args:
        plan: the file with the configuration that is wanted.
        folder: the run folder, with a checkpoint.

    Returns:
        ``KEY VALUE`` pairs.
    """
    now, before = (
        dict(flat(cfg)) for cfg in (parse_config(plan.read_text(), str(plan)), read_checkpoint(folder, True).config)
    )
    return overrides_of(
        {
            key: value
            for key, value in now.items()
            if key.startswith(CHANGEABLE) and value != before.get(key) and (key, value) not in CHOSEN_BY_RUNS
        }
    )
