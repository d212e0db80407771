"""The benchmark of torch.hub's start, at its smallest; times are not judged."""

import pytest

from projects.benchmarks import hub_start

pytestmark = pytest.mark.slow


def test_every_step_takes_time() -> None:
    seconds = hub_start._seconds("c3d", {"pretrained": False, "width": 0.0625})
    assert len(seconds) == len(hub_start.STEPS)
    assert min(seconds) > 0


def test_the_table_has_a_row_for_each_kind_of_weights() -> None:
    times = dict(zip(hub_start.STEPS, (1.0, 0.25, 0.5), strict=True))
    table = hub_start.table({"repeats": 5, "seconds": {"r3d, random": times, "r3d, pretrained": times}})
    assert table.rows == [[name, "1.00", "0.25", "0.50"] for name in ("r3d, random", "r3d, pretrained")]
    assert len(table.columns) == 4
