"""The task with an encoder of keys: where its features come from, and how it follows."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from torch import nn
from torch.utils.data import DataLoader

from iic_ptv.losses import QueueLoss
from iic_ptv.models import MLPProjection, r3d
from iic_ptv.tasks.momentum import MomentumIICTask
from iic_ptv.transforms import Residual, ReverseFrames

NUM_VIDEOS = 6


def clips() -> list[dict]:
    generator = torch.Generator().manual_seed(0)
    return [
        {"video": torch.rand(3, 4, 16, 16, generator=generator), "video_index": index} for index in range(NUM_VIDEOS)
    ]


def batch_of() -> dict:
    return next(iter(DataLoader(clips(), NUM_VIDEOS)))


def make_task(key_momentum: float = 0.9, feature_dim: int = 8, **options) -> MomentumIICTask:
    torch.manual_seed(0)
    model = options.pop("model", None) or r3d(width=1 / 16)
    options.setdefault("head", MLPProjection(32, 16, 8))
    return MomentumIICTask(
        model,
        QueueLoss(NUM_VIDEOS, feature_dim, num_negatives=4),
        partial(torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=1e-4),
        intra_negative=ReverseFrames(),
        key_momentum=key_momentum,
        **options,
    )


def trained_and_followers(task: MomentumIICTask) -> list[tuple[nn.Parameter, nn.Parameter]]:
    pairs = [(task.networks, task.key_networks), (task.heads, task.key_heads)]
    return [pair for trained, keys in pairs for pair in zip(trained.parameters(), keys.parameters(), strict=True)]


class WeightsAfterSteps(Callback):
    """The trained weights at the start and after every step."""

    def __init__(self) -> None:
        self.history: list[list[torch.Tensor]] = []

    def _note(self, task: MomentumIICTask) -> None:
        self.history.append([trained.detach().clone() for trained, _ in trained_and_followers(task)])

    def on_train_start(self, trainer: Trainer, task: MomentumIICTask) -> None:
        self._note(task)

    def on_train_batch_end(self, trainer: Trainer, task: MomentumIICTask, *_) -> None:
        if trainer.global_step == len(self.history):
            self._note(task)


def fit(task: MomentumIICTask, *callbacks: Callback, batch_size: int = 2, **options) -> None:
    trainer = Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=list(callbacks), **options,
    )  # fmt: skip
    trainer.fit(task, DataLoader(clips(), batch_size))


@pytest.mark.parametrize(("accumulate", "steps"), [(1, 6), (2, 4)])
def test_keys_follow_once_a_step(accumulate, steps) -> None:
    """After T steps: m^T times the weights at the start and (1 - m) m^(T - t) times those after step t."""
    task, weights = make_task(), WeightsAfterSteps()
    fit(task, weights, accumulate_grad_batches=accumulate)
    assert len(weights.history) == 1 + steps
    shares = [0.9**steps, *(0.1 * 0.9 ** (steps - step) for step in range(1, steps + 1))]
    for number, (trained, follower) in enumerate(trained_and_followers(task)):
        expected = sum(share * moment[number] for share, moment in zip(shares, weights.history, strict=True))
        assert torch.allclose(follower, expected, rtol=1e-4, atol=1e-6)
        assert follower.grad is None
        assert trained.grad is not None


@pytest.mark.parametrize("key_momentum", [0.0, 1.0])
def test_at_the_ends_keys_follow_at_once_or_never(key_momentum) -> None:
    task = make_task(key_momentum)
    before = [follower.clone() for _, follower in trained_and_followers(task)]
    fit(task)
    for (trained, follower), start in zip(trained_and_followers(task), before, strict=True):
        assert torch.equal(follower, trained if key_momentum == 0 else start)


def test_the_optimiser_has_the_trained_weights_alone() -> None:
    task = make_task()
    (group,) = task.configure_optimizers().param_groups
    pairs = trained_and_followers(task)
    assert [id(each) for each in group["params"]] == [id(trained) for trained, _ in pairs]
    assert all(torch.equal(trained, follower) for trained, follower in pairs)


class Recorder(nn.Module):
    """A network that keeps what it was shown, and whether there was to be a gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.seen: list[torch.Tensor] = []
        self.with_graph: list[bool] = []

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        self.seen.append(clip)
        self.with_graph.append(torch.is_grad_enabled())
        return self.weight * clip.flatten(1)[:, :4]


def test_queries_are_of_the_trained_network_and_keys_and_intra_negatives_of_the_other() -> None:
    task = make_task(model=Recorder(), head=None, feature_dim=4)
    batch = batch_of()
    task.contrast(batch, None)
    inputs = [batch["video"], Residual()(batch["video"])]
    trained, follower = task.networks[0], task.key_networks[0]
    for network, expected in ((trained, inputs), (follower, [*inputs, batch["video"].flip(2)])):
        assert len(network.seen) == len(expected)
        assert all(torch.equal(*pair) for pair in zip(network.seen, expected, strict=True))
    assert all(trained.with_graph)
    assert not any(follower.with_graph)


def test_a_network_per_view_has_a_follower_per_view() -> None:
    task = make_task(model=[Recorder(), Recorder()], head=None, feature_dim=4)
    task.contrast(batch_of(), None)
    assert [len(network.seen) for network in task.networks] == [1, 1]
    assert [len(network.seen) for network in task.key_networks] == [2, 1]  # view 1 and its intra-negative; view 2


def test_the_loss_is_that_of_queries_and_keys() -> None:
    """As computed by hand, with followers that have other weights, and statistics of their own."""
    task, plain = make_task(), make_task()
    for each in (task, plain):
        for _, follower in trained_and_followers(each):
            follower.mul_(1.5)
    batch = batch_of()
    task.contrast(batch, None).loss.backward()

    rgb, residual = batch["video"], Residual()(batch["video"])
    queries = [plain.heads[0](plain.networks[0](clip)) for clip in (rgb, residual)]
    with torch.no_grad():
        keys = [plain.key_heads[0](plain.key_networks[0](clip)) for clip in (rgb, residual, rgb.flip(2))]
    plain.loss(queries, keys.pop(), batch["video_index"], keys=keys).loss.backward()
    for ours, theirs in zip(task.parameters(), plain.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad) if ours.requires_grad else ours.grad is None
    for (name, ours), theirs in zip(task.state_dict().items(), plain.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs), name
    statistics = [name for name, _ in task.networks.named_buffers() if name.endswith("running_mean")]
    assert statistics
    buffers = dict(task.networks.named_buffers()), dict(task.key_networks.named_buffers())
    assert all(not torch.equal(buffers[0][name], buffers[1][name]) for name in statistics)
