"""Tests of going on with runs: what is said of one that is complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from iic_ptv.config import load_config
from iic_ptv.runs.checkpoint import PRETRAIN, Checkpoint
from iic_ptv.runs.resume import already_complete


@pytest.mark.parametrize(
    ("schedule", "advice"),
    [("multistep", "resume it with more OPTIM.EPOCHS"), ("one_cycle", "begin a new run")],
)
def test_a_complete_run_is_only_offered_to_go_on_where_its_schedule_can(schedule, advice) -> None:
    cfg = load_config(None, ["OPTIM.SCHEDULE", schedule])
    assert advice in str(already_complete(Checkpoint(Path("last.ckpt"), PRETRAIN, cfg, [], step=6)))
