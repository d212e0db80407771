"""Do features look at time? How far a clip is from what is left of it when its motion is destroyed.

The paper's claim is that intra-negatives make features temporal. Retrieval and probes ask for that by a detour; this
asks for it directly, of videos that the network has not seen.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iic_ptv.registry import INTRA_NEGATIVES

DESTROYED = {"still": "repeat", "shuffled": "shuffle", "reversed": "reverse"}


@torch.no_grad()
def temporality(network: nn.Module, batches: Iterable[Tensor], seed: int = 0) -> dict[str, float]:
    """Mean squared distances of normalised features, as shares of that between two videos.

    0: the network sees no difference; 1: a clip without its motion is as far from it as another video.

    Args:
        network: in evaluation mode, from ``(B, 3, T, H, W)`` to ``(B, D)``.
        batches: clips, the input of view 1, of different videos.
        seed: of the draws.

    Returns:
        The shares by the kind of the destroyed clip: ``still``, ``shuffled``, ``reversed``.
    """
    generator = torch.Generator().manual_seed(seed)
    whole: list[Tensor] = []
    destroyed: dict[str, list[Tensor]] = {kind: [] for kind in DESTROYED}
    for clips in batches:
        whole.append(F.normalize(network(clips), dim=1))
        for kind, name in DESTROYED.items():
            destroyed[kind].append(F.normalize(network(INTRA_NEGATIVES.get(name)()(clips, generator)), dim=1))
    features = torch.cat(whole).double()
    number = len(features)
    # Of unit vectors: the mean of |a - b|^2 over all ordered pairs of different ones is 2 - 2 mean(a . b).
    between = 2 - 2 * float((features.sum(0).square().sum() - number) / (number * (number - 1)))
    return {
        kind: float((features - torch.cat(each).double()).square().sum(1).mean()) / between
        for kind, each in destroyed.items()
    }
