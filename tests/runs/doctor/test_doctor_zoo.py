"""What is told of the model zoo: whole, without records, and with damaged or lost weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from published_checkpoint import NAME, publish_checkpoint

from iic_ptv.runs.doctor.finding import State
from iic_ptv.runs.doctor.zoo import look_at_zoo
from iic_ptv.zoo import catalogue


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zoo of one checkpoint, in the place of ours."""
    monkeypatch.setattr(catalogue, "PACKAGE", tmp_path)
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    (tmp_path / "model_zoo").mkdir()
    return tmp_path / "model_zoo"


def test_one_without_records_is_broken(zoo: Path) -> None:
    (finding,) = look_at_zoo()
    assert (finding.state, finding.told) == (State.BROKEN, f"none in {zoo}")


def test_weights_are_judged_by_their_hash(zoo: Path) -> None:
    first, second = (zoo / "weights" / file.file for file in publish_checkpoint(zoo).files)
    assert [(each.about, each.state) for each in look_at_zoo()] == [(NAME, State.FINE)]
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 1
    first.write_bytes(content)
    (finding,) = look_at_zoo()
    assert finding.state == State.NOTE  # the other format is whole
    assert str(first) in finding.told
    second.unlink()
    (finding,) = look_at_zoo()
    assert (finding.state, finding.mend) == (State.BROKEN, "install the package again")
    first.unlink()
    (finding,) = look_at_zoo()
    assert (finding.state, finding.told) == (State.BROKEN, f"{first.name} should have come with the package")
