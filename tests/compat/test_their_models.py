"""PyTorchVideo's networks and self-supervised models on the installed torch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import iic_ptv  # noqa: F401  (first: it repairs what follows)

hub = pytest.importorskip("pytorchvideo.models.hub")
from pytorchvideo.models.byol import BYOL  # noqa: E402
from pytorchvideo.models.memory_bank import MemoryBank  # noqa: E402
from pytorchvideo.models.simclr import SimCLR  # noqa: E402

# Frames and side of the clips of each builder's network; of SlowFast, frames of both pathways.
CLIPS: dict[str, tuple[Any, int]] = {
    "slow_r50": (8, 224),
    "r2plus1d_r50": (16, 224),
    "x3d_xs": (4, 160),
    "efficient_x3d_xs": (4, 160),
    "slow_r50_detection": (4, 224),
    "slowfast_r50": ((8, 32), 256),
    "mvit_base_16x4": (16, 224),
}
LARGE: dict[str, tuple[Any, int]] = {
    "c2d_r50": (8, 224),
    "i3d_r50": (8, 224),
    "csn_r101": (32, 224),
    "x3d_s": (13, 160),
    "x3d_m": (16, 224),
    "x3d_l": (16, 312),
    "efficient_x3d_s": (13, 160),
    "slowfast_r50_detection": ((8, 32), 256),
    "slowfast_r101": ((8, 32), 256),
    "slowfast_16x8_r101_50_50": ((16, 64), 256),
    "mvit_base_16": (1, 224),
    "mvit_base_32x3": (32, 224),
}


def meta_clip(frames: int, side: int) -> Tensor:
    return torch.empty(1, 3, frames, side, side, device="meta")


@pytest.mark.parametrize("name", [*CLIPS, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)])
def test_builders_of_the_hub(name: str) -> None:
    """Built without weights, and led through on the meta device, which computes shapes alone."""
    frames, side = {**CLIPS, **LARGE}[name]
    with torch.device("cpu" if name.startswith("mvit") else "meta"):  # those draw what a number is read from
        model = getattr(hub, name)(pretrained=False)
    clip: Any = [meta_clip(each, side) for each in frames] if isinstance(frames, tuple) else meta_clip(frames, side)
    clip = clip[:, :, 0] if name == "mvit_base_16" else clip
    boxes = [torch.empty(1, 5, device="meta")] if "detection" in name else []
    assert model.to("meta").eval()(clip, *boxes).shape == (1, 80 if boxes else 400)


def test_every_builder_is_tested() -> None:
    builders = {name for name, part in vars(hub).items() if callable(part)}
    assert builders == {*CLIPS, *LARGE}


def backbone() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 8))


@pytest.mark.parametrize(
    "model",
    [
        SimCLR(mlp=nn.Linear(8, 4), backbone=backbone()),
        BYOL(backbone(), feature_dim=8, predictor_inner=4, norm=nn.BatchNorm1d),
    ],
    ids=["SimCLR", "BYOL"],
)
def test_pairs_of_clips_train(model: nn.Module) -> None:
    clips = torch.rand(6, 3, 1, 2, 2)
    optimizer = torch.optim.SGD([each for each in model.parameters() if each.requires_grad], lr=0.05)
    losses = []
    for _ in range(20):
        loss = model(clips, clips + 0.01)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert losses[-1] < losses[0]


def test_their_memory_bank_keeps_features() -> None:
    model = MemoryBank(backbone(), neg_size=4, bank_size=10, dim=8, mmt=0.5)
    before = model.memory.clone()
    loss = model(torch.rand(3, 3, 1, 2, 2), torch.tensor([1, 4, 7]))
    assert loss.isfinite()
    assert (model.memory != before).any(dim=1).nonzero().flatten().tolist() == [1, 4, 7]
    assert model.memory[[1, 4, 7]].norm(dim=1).allclose(torch.ones(3))
