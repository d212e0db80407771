"""The configurations of the three forms: each loads, and makes a step on tiny data."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from iic_ptv.config import load_config
from iic_ptv.launch.sweep.file import read_sweep
from iic_ptv.launch.sweep.grid import members_of, overrides_of
from iic_ptv.registry import LOSSES
from iic_ptv.runs.build import build_task

PROJECT = Path(__file__).parents[2] / "projects" / "frameworks"
TINY = ["MODEL.OPTIONS.width", "0.0625", "MODEL.HEAD", "[16, 8]", "OPTIM.BATCH_SIZE", "2"]
FORMS = {"memory_bank": "inter_intra_nce", "simclr": "in_batch", "moco": "queue"}


def step(options: list[str], file: str) -> None:
    task = build_task(load_config(PROJECT / file, [*options, *TINY]), num_videos=6, total_steps=10)
    optimizer = task.optim(task.parameters())
    before = [weight.clone() for weight in task.networks.parameters()]
    batch = {"video": torch.rand(2, 3, 4, 16, 16), "video_index": torch.arange(2)}
    task.contrast(batch, None).loss.backward()
    optimizer.step()
    assert all(torch.isfinite(weight).all() for weight in task.parameters())
    assert any(not torch.equal(*pair) for pair in zip(task.networks.parameters(), before, strict=True))


@pytest.mark.parametrize("intra_negative", ["repeat", "none"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_makes_a_step_with_and_without_intra_negatives(form, intra_negative) -> None:
    step(["INTRA_NEGATIVE", intra_negative], f"{form}.yaml")


def test_there_is_a_form_of_every_loss() -> None:
    names = {load_config(PROJECT / f"{form}.yaml").LOSS.NAME for form in FORMS}
    assert names == set(FORMS.values()) == set(LOSSES.names())


def test_the_sweep_is_over_what_the_configurations_are() -> None:
    sweep = read_sweep(PROJECT / "sweep.yaml")
    members = members_of(sweep.grid)
    configurations = [load_config(sweep.config, overrides_of(options)).dump() for options in members.values()]
    assert len(set(configurations)) == len(members) == 18
    for form in FORMS:
        assert load_config(PROJECT / f"{form}.yaml", ["INTRA_NEGATIVE", "none", "SEED", "1"]).dump() in configurations
