"""The benchmark of memory banks, at its smallest, and the formulas of what they cost against what is sent."""

import json
from typing import Any

import pytest
import torch
import torch.distributed as dist
from together import run_together

from iic_ptv.losses import MemoryBank, ShardedMemoryBank
from projects.benchmarks import bank_costs, banks
from projects.benchmarks.bank_processes import Sizes

pytestmark = pytest.mark.slow

PROCESSES, VIDEOS, D, BATCH, NEGATIVES, BANKS = 2, 16, 5, 2, 3, 3


def test_both_kinds_are_measured(tmp_path) -> None:
    sizes = Sizes(0, feature_dim=4, batch=2, negatives=5)
    results = json.loads(json.dumps(banks.measure(tmp_path, (3000, 3001), 3, together_up_to=3000, sizes=sizes)))
    for size in results["sizes"]:
        replicated, sharded = size["kinds"]["replicated"], size["kinds"]["sharded"]
        assert replicated["banks_mb"] == round(size["videos"] * 48 / 1e6, 3)
        assert sharded["banks_mb"] == round(-(-size["videos"] // 2) * 48 / 1e6, 3)
        assert replicated["checkpoint_mb"] > replicated["banks_mb"]
        assert sharded["checkpoint_mb"] > replicated["banks_mb"]
        assert ("read_s" in replicated) == (size["videos"] == 3000)
        assert all(each["step_ms"] > 0 for each in (replicated, sharded))
    assert list(tmp_path.iterdir()) == []
    for table in banks.tables(results):
        assert {len(row) for row in table.rows} == {len(table.columns)}
    banks.draw(results, tmp_path / "banks.png")
    assert (tmp_path / "banks.png").read_bytes().startswith(b"\x89PNG")


def received(rank: int, kind: str) -> dict[str, int]:
    """Bytes that come from the other process when rows are looked up, and when they are updated."""
    torch.manual_seed(0)
    bank: Any = {"replicated": MemoryBank, "sharded": ShardedMemoryBank}[kind](BANKS, VIDEOS, D)
    came: list[int] = []
    exchange, gather = dist.all_to_all_single, dist.all_gather

    def counting_exchange(output: torch.Tensor, sent: torch.Tensor, parts: Any = None, of_sent: Any = None) -> None:
        exchange(output, sent, parts, of_sent)
        came.append(output.split(parts or 1)[1 - rank].nbytes)

    def counting_gather(outputs: list[torch.Tensor], sent: torch.Tensor) -> None:
        gather(outputs, sent)
        came.append(outputs[1 - rank].nbytes)

    dist.all_to_all_single, dist.all_gather = counting_exchange, counting_gather
    try:
        bank.lookup(torch.arange(4, 12).view(NEGATIVES + 1, BATCH).T)  # as many of the one as of the other
        lookup = sum(came)
        bank.update(torch.ones(BANKS, BATCH, D), torch.tensor([4, 11]))
    finally:
        dist.all_to_all_single, dist.all_gather = exchange, gather
    return {"lookup": lookup, "update": sum(came) - lookup}


@pytest.mark.parametrize("kind", banks.KINDS)
def test_formulas_are_what_is_received(tmp_path, kind) -> None:
    costs = getattr(bank_costs, kind)(VIDEOS, PROCESSES, D, BATCH, NEGATIVES, BANKS)
    for rank in run_together(received, PROCESSES, tmp_path, kind):
        assert rank == {"lookup": costs.lookup, "update": costs.update}


def test_a_thousand_processes_and_a_billion_videos() -> None:
    replicated, sharded = (kind(10**9, 1000, 128) for kind in (bank_costs.replicated, bank_costs.sharded))
    assert (replicated.memory, sharded.memory) == (1.536e12, 1.536e9)
    assert (replicated.checkpoint, sharded.checkpoint) == (1.536e12, 1.536e9)
    assert replicated.update == 999 * 16 * 1544
    assert 0 < sharded.lookup - 999 / 1000 * 16 * 1025 * 1544 < 10_000
    few, many = (bank_costs.replicated(10**9, w, 128).update / (16 * 1025 * 1544) for w in (1025, 1027))
    assert few < 1 < many
