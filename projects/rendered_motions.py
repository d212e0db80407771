"""The quickstart's videos of moving shapes, drawn anew for every seed: what the studies can do without real video."""

from __future__ import annotations

from pathlib import Path

from iic_ptv.data.procedural import write_videos
from iic_ptv.runs.quickstart import MOTIONS, NUM_FRAMES, TEST_PER_MOTION, TRAIN_PER_MOTION

SIZE = 40  # pixels


def rendered_motions(output: Path, seed: int, appearances: int | None = None) -> Path:
    """The folder with ``videos/`` and ``splits/``; what is there already is not rendered again.

    Args:
        output: of the study.
        seed: of the videos.
        appearances: how many looks they share; None: each has its own.
    """
    looks = "" if appearances is None else f"-looks{appearances}"
    return write_videos(
        output / "videos" / f"procedural-seed{seed}{looks}",
        motions=MOTIONS,
        train_per_class=TRAIN_PER_MOTION,
        test_per_class=TEST_PER_MOTION,
        num_frames=NUM_FRAMES,
        size=SIZE,
        seed=seed,
        appearances=appearances,
    )
