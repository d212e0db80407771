"""The ways to get features of clips that the benchmark of inference compares."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from iic_ptv.evaluation.features import extract_features
from iic_ptv.evaluation.forward_pass import FULL_PRECISION, embed_clips

LIBRARIES = {"r3d_18": "torchvision", "slow_r50": "pytorchvideo"}
"""Where else our networks are from, by their names."""

NUMBERS = {FULL_PRECISION: "float32", "bf16-mixed": "bfloat16", "16-mixed": "float16"}

Extract = Callable[[Tensor], Tensor]
"""From clips to features ``(N, D)``."""


def alternatives(name: str, device: torch.device, compiled: bool) -> dict[str, Extract]:
    """Ways from clips ``(N, C, T, H, W)`` to the features of a network; the first one is how its users run it."""
    theirs, ours = (network.to(device) for network in same_networks(name))
    ways: dict[str, Extract] = {
        f"{LIBRARIES[name]}, float32": partial(as_it_is, theirs),
        f"{LIBRARIES[name]}, bfloat16": partial(as_it_is, theirs, autocast=True),
    }
    for precision, numbers in NUMBERS.items():
        if precision == "16-mixed" and device.type != "cuda":
            continue
        ways[f"ours, {numbers}"] = partial(across_videos, ours, precision=precision)
        if compiled:
            network = copy.deepcopy(ours)
            network.compile(dynamic=False)
            ways[f"ours, {numbers}, compiled"] = partial(across_videos, network, precision=precision)
    return ways


def same_networks(name: str) -> tuple[nn.Module, nn.Module]:
    """Another library's network, which gives out what it would classify, and ours of the same weights; untrained."""
    torch.manual_seed(0)
    theirs: Any
    ours: Any
    # Not by the registry, which needs more than machines with a GPU may have.
    if LIBRARIES[name] == "torchvision":
        theirs = importlib.import_module("torchvision.models.video").r3d_18(weights=None)
        theirs.fc = nn.Identity()
        ours = importlib.import_module("iic_ptv.models.torchvision_backbone").r3d_18()
        ours.load_state_dict(theirs.state_dict())
    else:
        theirs = importlib.import_module("pytorchvideo.models.hub").slow_r50(pretrained=False)
        theirs.blocks[-1].proj = nn.Identity()
        ours = importlib.import_module("iic_ptv.models.pytorchvideo_backbone").pytorchvideo_backbone(name)
        ours.trunk.load_state_dict(theirs.state_dict())
    return theirs.eval(), ours.eval()


@torch.inference_mode()
def as_it_is(network: nn.Module, clips: Tensor, autocast: bool = False) -> Tensor:
    """Call a network, and wait for what it gives out."""
    with torch.autocast(clips.device.type, torch.bfloat16, enabled=autocast):
        return network(clips).float().cpu()


def across_videos(network: nn.Module, clips: Tensor, batch: int | None = None, precision: str = "32-true") -> Tensor:
    """Our features of videos, ``(N, C, T, H, W)`` or ``(N, n, C, T, H, W)``, which come in batches or all at once."""
    batches = [
        {"video": videos, "label": torch.zeros(len(videos)), "video_name": [""] * len(videos)}
        for videos in clips.split(batch or len(clips))
    ]
    return extract_features(network, batches, precision=precision).features


def batch_by_batch(network: nn.Module, videos: Tensor, batch: int) -> Tensor:
    """The same in float32, but blank clips fill up the last forward pass of every batch."""
    means = []
    for some in videos.split(batch):
        features = embed_clips(network, nn.Identity(), some.flatten(0, 1)).unflatten(0, some.shape[:2]).cpu()
        means += [of_video.mean(dim=0) for of_video in features]
    return torch.stack(means)
