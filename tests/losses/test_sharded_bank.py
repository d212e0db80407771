"""Sharded banks on four processes, against replicated ones there and against one process with the joint batch."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
import torch.distributed as dist
from together import run_together
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from iic_ptv.errors import InputError
from iic_ptv.losses import InterIntraNCELoss, ShardedMemoryBank
from iic_ptv.losses.initial_rows import BLOCK

WORLD, B, D, STEPS = 4, 3, 6, 3


@dataclass(frozen=True)
class Case:
    """A loss, and how many videos there are."""

    num_videos: int
    options: dict[str, Any] = field(default_factory=dict)

    def loss(self, banks: str) -> InterIntraNCELoss:
        torch.manual_seed(0)
        options = {"num_negatives": 5, "temperature": 0.5, **self.options}
        return InterIntraNCELoss(self.num_videos, D, banks=banks, **options)

    def joint_batches(self) -> list[tuple[torch.Tensor, ...]]:
        """Features and rows; of few videos some come more than once, in one process and in several."""
        generator = torch.Generator().manual_seed(4)
        size, kinds = WORLD * B, 2 + int(self.options.get("intra_negatives", True))
        return [
            (
                *torch.randn(kinds, size, D, generator=generator),
                torch.randint(self.num_videos, (size,), generator=generator),
            )
            for _ in range(STEPS)
        ]


CASES = {
    "softmax": Case(10),
    "nce": Case(10, {"objective": "nce"}),
    "never itself": Case(10, {"exclude_self": True}),
    "no intra-negatives": Case(10, {"intra_negatives": False}),
    "two kinds of intra-negatives": Case(10, {"intra_negatives": 2}),
    "intra-negatives with gradient": Case(10, {"intra_negatives": 2, "intra_gradient": True}),
    "not normalised": Case(16, {"normalize": False}),
    "more negatives than videos": Case(10, {"num_negatives": 25}),
    "a process without rows": Case(5),
    "a single video": Case(1),
    "bfloat16": Case(10, {"bank_precision": "bfloat16"}),
    "several blocks of initial rows": Case(2 * BLOCK + 10, {"num_negatives": 100}),
}


def train(loss: InterIntraNCELoss, batches: list[tuple[torch.Tensor, ...]]) -> dict[str, Any]:
    """Losses, metrics and gradients of some steps, and what the banks are after them."""
    outcomes = []
    for *features, index in batches:
        features = [each.clone().requires_grad_() for each in features]
        output = loss(features[:2], features[2:], index)
        output.loss.backward()
        outcomes.append(
            {
                "loss": output.loss.detach(),
                "metrics": torch.stack(list(output.metrics.values())),
                "gradients": torch.stack([each.grad for each in features if each.grad is not None]),
            }
        )
    return {"steps": outcomes, "banks": loss.bank.features, "log_normalizer": loss.log_normalizer}


def all_cases(rank: int) -> dict[str, Any]:
    part = slice(rank * B, (rank + 1) * B)
    results: dict[str, Any] = {
        name: {
            banks: train(case.loss(banks), [tuple(each[part] for each in batch) for batch in case.joint_batches()])
            for banks in ("replicated", "sharded")
        }
        for name, case in CASES.items()
    }
    for check in (initial_rows, filled, exchanged, in_ddp, from_replicated, in_float64):
        results[check.__name__] = check(rank)
    return results


def initial_rows(rank: int) -> ShardedMemoryBank:
    bank = CASES["several blocks of initial rows"].loss("sharded").bank
    bank.features  # noqa: B018 - which draws them
    return bank


def filled(rank: int) -> torch.Tensor:
    loss = Case(10).loss("sharded")
    features = torch.full((3, 1, D), float(rank + 1))
    loss.fill([features[0], -features[1]], 2 * features[2], torch.tensor([2 * rank]))
    return loss.bank.features


def exchanged(rank: int) -> dict[str, Any]:
    """Numbers that this process sends in a lookup of given rows and in an update."""
    bank = Case(10).loss("sharded").bank
    bank.features  # noqa: B018 - drawn before what is sent is counted
    sent: list[int] = []
    send = dist.all_to_all_single

    def count(came: torch.Tensor, gone: torch.Tensor, *splits: Any) -> None:
        sent.append(gone.numel())
        send(came, gone, *splits)

    dist.all_to_all_single = count
    try:
        rows = torch.tensor([[0, 9, 9, 3, 0], [3, 3, 0, 9, 9]])
        banks, places = bank.lookup(rows)
        lookup, sent = sent, []
        bank.update(torch.ones(3, B, D), torch.tensor([rank, 9, rank]))
    finally:
        dist.all_to_all_single = send
    return {"lookup": lookup, "update": sent, "found": banks[:, places]}


def in_ddp(rank: int) -> dict[str, Any]:
    """What becomes of a shard where DDP gives all processes the parameters and buffers of the first."""

    class Module(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = nn.Linear(D, D)
            self.loss = Case(10).loss("sharded")

        def forward(self, features: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
            views = self.network(features), self.network(-features)
            return self.loss(views, views[0].detach(), index).loss

    module = Module()
    before = module.loss.bank.features.clone()
    wrapped = DistributedDataParallel(module)  # broadcasts buffers at every step, too
    after = module.loss.bank.features.clone()
    for _ in range(2):
        module.loss.eval()
        wrapped(torch.randn(B, D), torch.arange(B)).backward()
    return {"before": before, "wrapped": after, "after steps": module.loss.bank.features}


def from_replicated(rank: int) -> torch.Tensor:
    loss = Case(10).loss("sharded")
    torch.manual_seed(1)
    other = InterIntraNCELoss(10, D)
    loss.load_state_dict(other.state_dict())
    return loss.bank.features


def in_float64(rank: int) -> dict[str, Any]:
    """Whatever `Module.to` does to modules it does to the shard."""
    loss = Case(10).loss("sharded")
    loss.bank.features  # noqa: B018
    loss.double()
    features = torch.randn(2, B, D, dtype=torch.float64)
    return {"dtype": loss.bank.features.dtype, "loss": loss(list(features), features[0], torch.arange(B)).loss.dtype}


@pytest.fixture(scope="module")
def ranks(tmp_path_factory) -> list[dict[str, Any]]:
    return run_together(all_cases, WORLD, tmp_path_factory.mktemp("ranks"))


@pytest.mark.parametrize("name", CASES)
def test_four_processes_are_one_with_the_joint_batch(ranks, name) -> None:
    alone = train(CASES[name].loss("replicated"), CASES[name].joint_batches())
    for banks in ("replicated", "sharded"):
        results = [rank[name][banks] for rank in ranks]
        for step, expected in enumerate(alone["steps"]):
            steps = [result["steps"][step] for result in results]
            for mean in ("loss", "metrics"):
                assert torch.allclose(torch.stack([each[mean] for each in steps]).mean(0), expected[mean], rtol=1e-5)
            # The joint loss is the mean of those of the processes, so its gradients are as many times smaller.
            gradients = torch.cat([each["gradients"] for each in steps], dim=1) / WORLD
            assert torch.allclose(gradients, expected["gradients"], rtol=1e-4, atol=1e-7)
            assert (gradients != 0).any(dim=-1).all() or name == "a single video"
        for result in results:
            assert torch.allclose(result["log_normalizer"], alone["log_normalizer"], rtol=1e-5)
        held = [result["banks"] for result in results]
        assert banks == "sharded" or all(torch.equal(each, held[0]) for each in held)
        after = held[0] if banks == "replicated" else torch.cat(held, dim=1)
        assert torch.allclose(after, alone["banks"], atol=1e-6)


def test_batches_of_the_cases_repeat_rows_within_and_across_processes() -> None:
    parts = [batch[-1].view(WORLD, B) for batch in CASES["softmax"].joint_batches()]
    assert any(len(row.unique()) < B for part in parts for row in part)
    assert all(len(part.unique()) < sum(len(row.unique()) for row in part) for part in parts)


def test_shares_are_consecutive_rows_of_the_replicated_banks(ranks) -> None:
    case = CASES["several blocks of initial rows"]
    shares = [rank["initial_rows"].features for rank in ranks]
    assert [share.shape[1] for share in shares] == [2051, 2051, 2051, 2049]
    assert torch.equal(torch.cat(shares, dim=1), case.loss("replicated").bank.features)
    assert torch.equal(case.loss("sharded").bank.features, case.loss("replicated").bank.features)


def test_fill_replaces_rows_wherever_they_are(ranks) -> None:
    rows = torch.cat([rank["filled"] for rank in ranks], dim=1)
    unit = torch.ones(4, D) / D**0.5
    assert torch.allclose(rows[:, :8:2], torch.stack([unit, -unit, unit]))
    assert torch.equal(rows[:, 1:8:2], Case(10).loss("replicated").bank.features[:, 1:8:2])


def test_what_is_sent_is_what_is_drawn(ranks) -> None:
    banks = Case(10).loss("replicated").bank.features
    rows = torch.tensor([[0, 9, 9, 3, 0], [3, 3, 0, 9, 9]])
    for number, rank in enumerate(ranks):
        # How many, which, and answers of a row of three banks: all ask processes 0, 1 and 3 for one row each.
        answers = 0 if number == 2 else WORLD * 3 * D
        assert rank["exchanged"]["lookup"] == [WORLD, 3, answers]
        assert rank["exchanged"]["update"] == [WORLD, B * 3 * D, B]
        assert torch.equal(rank["exchanged"]["found"], banks[:, rows])


def test_ddp_leaves_the_shares_alone(ranks) -> None:
    for rank in ranks:
        assert torch.equal(rank["in_ddp"]["before"], rank["in_ddp"]["wrapped"])
        assert torch.equal(rank["in_ddp"]["before"], rank["in_ddp"]["after steps"])
    shares = [rank["in_ddp"]["wrapped"] for rank in ranks]
    assert torch.equal(torch.cat(shares, dim=1), Case(10).loss("replicated").bank.features)


def test_a_state_of_replicated_banks_can_be_loaded(ranks) -> None:
    torch.manual_seed(1)
    expected = InterIntraNCELoss(10, D).bank.features
    assert torch.equal(torch.cat([rank["from_replicated"] for rank in ranks], dim=1), expected)
    other = InterIntraNCELoss(11, D)
    with pytest.raises(RuntimeError, match=r"size mismatch for bank.features: \(3, 11, 6\), expected \(3, 10, 6\)"):
        Case(10).loss("sharded").load_state_dict(other.state_dict())


def test_the_shares_move_with_the_module(ranks) -> None:
    assert all(rank["in_float64"] == {"dtype": torch.float64, "loss": torch.float64} for rank in ranks)
    assert Case(10).loss("sharded").to("meta").bank.features.device.type == "meta"


def test_a_share_is_of_no_use_among_other_processes(ranks) -> None:
    with pytest.raises(RuntimeError, match="shared out among other processes"):
        ranks[1]["initial_rows"].lookup(torch.tensor([[3]]))


@pytest.mark.parametrize("name", CASES)
def test_one_process_holds_all(name) -> None:
    results = [train(CASES[name].loss(banks), CASES[name].joint_batches()) for banks in ("replicated", "sharded")]
    for replicated, sharded in zip(*(each["steps"] for each in results), strict=True):
        for what, expected in replicated.items():
            assert torch.allclose(sharded[what], expected, rtol=1e-5, atol=1e-7)
    assert torch.allclose(results[1]["banks"], results[0]["banks"], atol=1e-6)


def test_shares_are_not_in_the_state_dict_and_unknown_kinds_are_refused() -> None:
    state = Case(10).loss("sharded").state_dict()
    assert set(state) == {"log_normalizer", "_extra_state"}
    with pytest.raises(InputError, match="banks: expected one of replicated, sharded, got 'spread'"):
        Case(10).loss("spread")
