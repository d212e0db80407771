"""Videos to profile with where there are none: rendered ones."""

from __future__ import annotations

from pathlib import Path

from fvcore.common.config import CfgNode

from iic_ptv.data.procedural import write_videos

BATCHES = 4
FEWEST_FRAMES = 32


def render_videos(cfg: CfgNode) -> Path:
    """Render videos of the configured size, or find them rendered before; returns their folder."""
    height, width = (even + even % 2 for even in cfg.DATA.FRAME_SIZE)  # H.264 takes even ones
    number = BATCHES * cfg.OPTIM.BATCH_SIZE
    num_frames = max(FEWEST_FRAMES, cfg.DATA.CLIP_LENGTH * cfg.DATA.STRIDE)
    rendered = write_videos(
        Path(cfg.OUTPUT) / "profile" / "videos" / f"{number}-{num_frames}x{height}x{width}",
        train_per_class=number,
        test_per_class=0,
        motions=("bounce",),
        num_frames=num_frames,
        size=(height, width),
    )
    return rendered / "videos"
