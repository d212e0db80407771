"""Fused optimisers: the numbers of the plain ones, whatever the order of the weights in memory."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn

from iic_ptv.config import load_config
from iic_ptv.runs.fused_optimizer import optimizer_of
from iic_ptv.runs.optimisation import build_optimizer

MAKERS: dict[str, Callable] = {
    "sgd": partial(torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=0.01),
    "adamw": partial(torch.optim.AdamW, lr=0.01, weight_decay=0.1),
}
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last_3d}


def network(layout: str) -> nn.Module:
    torch.manual_seed(0)
    made = nn.Sequential(nn.Conv3d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv3d(8, 4, (1, 3, 3)))
    return made.to(memory_format=LAYOUTS[layout])


def groups(module: nn.Module) -> list[dict]:
    """Two groups, the first of which learns slowly."""
    return [{"params": module[0].parameters(), "lr": 0.001}, {"params": module[2].parameters()}]


def train(module: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
    """Steps with clipped gradients on clips that their numbers alone decide on."""
    for step in steps:
        clip = torch.randn(2, 3, 4, 8, 8, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        module(clip).square().mean().backward()
        nn.utils.clip_grad_norm_(module.parameters(), 0.1)
        optimizer.step()


def assert_same_weights(one: nn.Module, other: nn.Module) -> None:
    for ours, theirs in zip(one.parameters(), other.parameters(), strict=True):
        assert (ours - theirs).norm() <= 1e-6 * theirs.norm()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", MAKERS)
def test_steps_are_those_of_the_plain_optimiser(name: str, layout: str) -> None:
    fused, plain, before = network(layout), network(layout), network(layout)
    train(fused, optimizer_of(MAKERS[name], True, groups(fused)), range(6))
    train(plain, MAKERS[name](groups(plain)), range(6))
    assert_same_weights(fused, plain)
    for new, old in zip(fused.parameters(), before.parameters(), strict=True):
        assert (new - old).norm() > 1e-4 * old.norm()


@pytest.mark.parametrize("begun", ["plain", "fused"])
@pytest.mark.parametrize("layouts", [("contiguous", "channels_last"), ("channels_last", "contiguous")])
@pytest.mark.parametrize("name", MAKERS)
def test_states_go_on_in_another_order_in_memory_and_fused_or_not(name, layouts, begun) -> None:
    first, second = (network(layout) for layout in layouts)
    before = optimizer_of(MAKERS[name], begun == "fused", groups(first))
    train(first, before, range(3))
    with torch.no_grad():
        for new, old in zip(second.parameters(), first.parameters(), strict=True):
            new.copy_(old)
    after = optimizer_of(MAKERS[name], begun != "fused", groups(second))
    after.load_state_dict(copy.deepcopy(before.state_dict()))
    assert {bool(group["fused"]) for group in after.param_groups} == {begun != "fused"}
    train(first, before, range(3, 6))
    train(second, after, range(3, 6))
    assert_same_weights(first, second)


@pytest.mark.parametrize("name", MAKERS)
def test_a_scaler_of_gradients_changes_nothing(name: str) -> None:
    scaled, plain = network("contiguous"), network("contiguous")
    clip, scaler = torch.rand(2, 3, 4, 8, 8), torch.amp.GradScaler("cpu", init_scale=1024.0)
    plain(clip).square().mean().backward()
    MAKERS[name](groups(plain)).step()
    scaler.scale(scaled(clip).square().mean()).backward()
    scaler.step(optimizer_of(MAKERS[name], True, groups(scaled)))
    assert_same_weights(scaled, plain)


class Task(LightningModule):
    """Learns that clips are zero."""

    def __init__(self, *options: str) -> None:
        super().__init__()
        self.network = network("contiguous")
        self.optim = build_optimizer(load_config(None, options))

    def training_step(self, clip: Tensor, batch_idx: int) -> Tensor:
        return self.network(clip).float().square().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.optim(self.parameters())


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("clip_norm", [0.0, 0.1])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_every_precision_trains_with_and_without_clipping(name, clip_norm, precision) -> None:
    options = "OPTIM.NAME", name, "OPTIM.CLIP_NORM", str(clip_norm), "TRAINER.PRECISION", precision
    trainer = Trainer(
        max_epochs=1, accelerator="cpu", precision=precision, gradient_clip_val=clip_norm or None, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(Task(*options), torch.utils.data.DataLoader(torch.rand(3, 3, 4, 8, 8)))
    assert trainer.global_step == 3
    fused = trainer.optimizers[0].param_groups[0]["fused"]
    assert bool(fused) == (precision == "32-true" or not clip_norm)
