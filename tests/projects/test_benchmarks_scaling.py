"""The simulation of many nodes: what it says where it can be told without it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from projects.benchmarks import scaling
from projects.benchmarks.scaling import BACKWARD, FLOAT, LATENCY, PARAMETERS, Contrast, Machine, bend, simulate
from projects.benchmarks.steps import Work

pytestmark = pytest.mark.slow

IDEAL = Machine(
    "ideal", per_node=8, batch=4, compute=1.0, loss=0.0, update=0.0, variation=0.0, within=1e18, between=1e18,
    clips_per_second=1e9,
)  # fmt: skip


@pytest.mark.parametrize("processes", [1, 8, 64, 1024])
@pytest.mark.parametrize("sharded", [False, True])
def test_where_nothing_is_waited_for_speed_stays(processes, sharded) -> None:
    step = simulate(IDEAL, Contrast(sharded=sharded), processes)
    assert step["efficiency"] == pytest.approx(1, abs=50 * LATENCY)
    assert step["step_ms"] == pytest.approx(1000, rel=50 * LATENCY)


def test_slow_links_are_waited_for_beyond_the_backward_pass() -> None:
    """Of two nodes each process sends and receives half of the gradients twice."""
    slow = replace(IDEAL, per_node=1, between=PARAMETERS * FLOAT / 3)
    step = simulate(slow, Contrast(feature_dim=1), 2)
    assert step["waiting_ms"] == pytest.approx(1000 * (3 - BACKWARD), rel=1e-3)


def test_replicated_banks_take_as_long_as_there_are_clips_and_sharded_ones_do_not() -> None:
    machine = replace(IDEAL, update=0.001)
    few, many = (simulate(machine, Contrast(), number)["banks_ms"] for number in (1, 100))
    assert many == pytest.approx(100 * few, rel=1e-2)
    assert simulate(machine, Contrast(sharded=True), 100)["banks_ms"] == pytest.approx(few, rel=0.1)


def test_the_slowest_of_many_is_waited_for_and_decoding_bounds_all() -> None:
    uneven = replace(IDEAL, variation=0.1)
    waits = [simulate(uneven, Contrast(), number)["waiting_ms"] for number in (1, 8, 512)]
    assert waits[0] < 20 < waits[1] < waits[2] < 500
    starved = replace(IDEAL, clips_per_second=2.0)
    assert simulate(starved, Contrast(), 8)["step_ms"] == pytest.approx(2000)


def test_where_it_bends_and_why() -> None:
    results = {"steps": [simulate(replace(IDEAL, update=0.001), Contrast(), number) for number in (1, 8, 64)]}
    assert bend(results, [1, 8, 64]) == (64, "banks")
    assert bend({"steps": [simulate(IDEAL, Contrast(), 1)]}, [1]) is None


def test_the_whole_section(tmp_path) -> None:
    work = Work(batch=2, frames=4, side=16, num_videos=50, num_negatives=8, width=0.125)
    results = scaling.measure(tmp_path, processes=(1, 8, 64), steps=3, work=work)
    (table,) = scaling.tables(results)
    assert len(table.rows) == len(results["cases"])
    scaling.plot(results, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000
