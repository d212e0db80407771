"""What a checkpoint tells of its networks and their clips."""

from __future__ import annotations

from iic_ptv.runs.checkpoint import Checkpoint
from iic_ptv.runs.extraction import normalises_colours
from iic_ptv.zoo.description import ClipFormat, NetworkDescription


def network_of(checkpoint: Checkpoint) -> NetworkDescription:
    """How the network of a checkpoint is built, and what it sees."""
    cfg = checkpoint.config
    return NetworkDescription(
        cfg.MODEL.BACKBONE,
        dict(cfg.MODEL.OPTIONS),
        tuple(cfg.VIEWS),
        ClipFormat(
            cfg.DATA.CLIP_LENGTH,
            cfg.DATA.STRIDE,
            (cfg.DATA.FRAME_SIZE[0], cfg.DATA.FRAME_SIZE[1]),
            cfg.DATA.CROP,
            normalises_colours(cfg),
            cfg.DATA.FRAME_RATE,
        ),
        len(checkpoint.networks),
        checkpoint.class_names,
    )
