"""A small extractor, and what a file says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch

from iic_ptv.export.extractor import Extractor
from iic_ptv.export.format import ExportDescription
from iic_ptv.registry import BACKBONES, VIEWS
from iic_ptv.zoo.description import ClipFormat, NetworkDescription

CLIP = ClipFormat(length=8, stride=1, frame_size=(18, 24), crop=16, normalized=True)
FRAMES = (20, 30)  # of another size than those of the training
Small = tuple[Extractor, ExportDescription]


@pytest.fixture(scope="session")
def small_extractor() -> Callable[..., Small]:
    """Builds an extractor by the names of its backbone and views."""

    def build(backbone: str = "r3d", views: Sequence[str] = ("residual",)) -> Small:
        torch.manual_seed(0)
        options = {"width": 0.0625} if backbone in ("r3d", "r2plus1d", "c3d") else {}
        extractor = Extractor([VIEWS.get(name)() for name in views], [BACKBONES.get(backbone)(**options)], CLIP)
        network = NetworkDescription(backbone, options, tuple(views), CLIP)
        return extractor, ExportDescription("1.0", "1a2b", network, tuple(views), "pooled", (3, CLIP.length, *FRAMES))

    return build
