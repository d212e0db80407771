"""A small network and small clips, for indices that are made in moments."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from iic_ptv.data.clip_reader import ClipReader
from iic_ptv.models import r3d
from iic_ptv.models.fingerprint import fingerprint
from iic_ptv.search.clip_plan import ClipPlan
from iic_ptv.search.embedding import ClipEmbedder, Recipe
from iic_ptv.transforms import Residual, evaluation_transform

CLIP_LENGTH = 4


def small_recipe(seed: int = 0, plan: ClipPlan | None = None, **reading: object) -> Recipe:
    """Clips of 4 frames of 16 x 16 pixels, in two views of 32 features each."""
    torch.manual_seed(seed)
    network = r3d(width=0.0625)
    reader = replace(ClipReader(clip_length=CLIP_LENGTH, size=(16, 16)), **reading)
    plan = plan or ClipPlan(every=0.2, least=2, most=5)
    embedder = ClipEmbedder(
        {"rgb": network, "residual": network},
        {"rgb": nn.Identity(), "residual": Residual()},
        evaluation_transform(16, (16, 16)),
    )
    settings = {"the weights of the network": fingerprint(network), "DATA.STRIDE": reader.stride, "--every": plan.every}
    return Recipe(reader, plan, embedder, settings)
