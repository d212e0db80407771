"""A clip that can be rendered anywhere, and its features: whether weights still make of it what they made."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from iic_ptv.data.procedural import MOTIONS, render_videos
from iic_ptv.registry import VIEWS
from iic_ptv.runs.extraction import reading_flow
from iic_ptv.transforms import normalize
from iic_ptv.zoo.build import build_network
from iic_ptv.zoo.description import NetworkDescription
from iic_ptv.zoo.record import PinnedClip
from iic_ptv.zoo.weights_file import WeightsFile

MOTION, SEED = "bounce", 0
SHOWN = 8  # features that a record holds
DIGITS = 6


def pin_clip(weights: WeightsFile) -> PinnedClip:
    """The clip and the features that a network of these weights has of it.

    It is seen as the first of the network's views that needs no optical flow, which other machines might compute
    otherwise; as RGB if there is none.
    """
    network = weights.network
    of_flow = reading_flow(network.views)
    view = next((name for name in network.views if name not in of_flow), "rgb")
    features = _features(weights, MOTION, SEED, view)
    return PinnedClip(
        MOTION,
        SEED,
        view,
        tuple(_rounded(value) for value in features[:SHOWN].tolist()),
        _rounded(float(features.norm())),
    )


def deviation(pinned: PinnedClip, weights: WeightsFile) -> float:
    """How far the features that a network has of the clip are off, as a share of their norm.

    Args:
        pinned: the clip, and the features that were pinned.
        weights: of the network.

    Returns:
        The greatest difference of a feature or of the norm; infinite where features are not numbers.
    """
    features = _features(weights, pinned.motion, pinned.seed, pinned.view)
    expected = torch.tensor([*pinned.features, pinned.norm])
    found = torch.cat([features[: len(pinned.features)], features.norm()[None]])
    off = float((found - expected).abs().max()) / pinned.norm
    return off if math.isfinite(off) else math.inf


def rendered_clip(network: NetworkDescription, motion: str, seed: int, view: str) -> Tensor:
    """A clip ``(1, C, T, H, W)`` as a network is given it: rendered at the size of the crop, then viewed."""
    times = torch.arange(network.clip.length, dtype=torch.float32) * network.clip.stride
    clip = render_videos(torch.tensor([MOTIONS.index(motion)]), torch.tensor([seed]), times, network.clip.crop)
    return VIEWS.get(view)()(normalize(clip) if network.clip.normalized else clip)


def _features(weights: WeightsFile, motion: str, seed: int, view: str) -> Tensor:
    """Pooled features ``(D,)`` of the network that sees the view."""
    network = weights.network
    number = network.views.index(view) if network.num_networks > 1 and view in network.views else 0
    with torch.no_grad():
        return build_network(weights, number)(rendered_clip(network, motion, seed, view))[0]


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
