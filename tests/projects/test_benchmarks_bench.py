"""The guard against slowing down: what it compares, and what it says of it."""

from __future__ import annotations

import json

import pytest

from projects.benchmarks import bench, loss, step
from projects.benchmarks.bench import SECTIONS, Ratio, compared, table

pytestmark = pytest.mark.slow


def test_what_fell_is_what_is_much_less() -> None:
    ratios = compared({"speed": 4.0, "memory": 2.0, "gone": 1.0}, {"speed": 2.9, "memory": 1.6, "new": 1.0})
    assert ratios == [Ratio("speed", 4.0, 2.9), Ratio("memory", 2.0, 1.6)]
    assert [each.fell for each in ratios] == [True, False]
    assert [row[-1] for row in table(ratios).rows] == ["fell", ""]


def test_the_committed_results_have_ratios() -> None:
    assert set(SECTIONS) == {"step", "loss", "inference"}
    for section in SECTIONS:
        module = __import__(f"projects.benchmarks.{section}", fromlist=["ratios"])
        ratios = module.ratios(json.loads(module.RESULTS.read_text()))
        assert ratios
        assert all(value > 0 for value in ratios.values())


def test_what_is_claimed_of_the_committed_results() -> None:
    of_step = step.ratios(json.loads(step.RESULTS.read_text()))
    assert of_step["ours, float32: times as fast"] >= 1
    assert of_step["ours, float32: times less for the graph"] > 1.4
    assert of_step["ours, float32: share of convolutions"] > 0.9
    assert of_step["ours, bfloat16: times as fast"] >= 1.6
    of_loss = loss.ratios(json.loads(loss.RESULTS.read_text()))
    assert min(of_loss.values()) >= 5


def test_an_unknown_section_is_told(capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "loses"])
    with pytest.raises(SystemExit, match="2"):
        bench.main()
    assert "there is no section loses; choose some of step, loss, inference." in capsys.readouterr().err
