"""What features depend on beside the weights of the network: features that differ in it cannot be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fvcore.common.config import CfgNode

from iic_ptv.registry import VIEWS

CLIPS = ("CLIP_LENGTH", "STRIDE", "FRAME_RATE", "SHORT", "FRAME_SIZE", "CROP")  # of DATA: what clips look like


def extraction_settings(cfg: CfgNode, views: Sequence[str]) -> dict[str, Any]:
    """How clips are read and what is taken of them, by the name of the option."""
    return {
        "EVAL.FEATURES": cfg.EVAL.FEATURES,
        "EVAL.PRECISION": cfg.EVAL.PRECISION,
        **{f"DATA.{name}": cfg.DATA[name] for name in CLIPS},
        "normalised colours": normalises_colours(cfg),
        "DATA.FLOW": cfg.DATA.FLOW if reading_flow(views) else "",
    }


def normalises_colours(cfg: CfgNode) -> bool:
    """Whether clips are normalised: where those of the training were."""
    return bool(cfg.DATA.AUGMENTATION == "strong")


def reading_flow(views: Sequence[str]) -> list[str]:
    """Those of the views that are made of optical flow."""
    return [name for name in views if getattr(VIEWS.get(name)(), "modality_key", "video") == "flow"]
