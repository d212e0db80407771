"""Videos for studies at their smallest."""

from __future__ import annotations

from pathlib import Path

import pytest

from iic_ptv.data.procedural import write_videos


@pytest.fixture
def two_motions(tmp_path: Path) -> Path:
    """The folder with ``videos/`` and ``splits/`` of two classes, each of 6 videos to train on and 2 to test on."""
    return write_videos(
        tmp_path / "two_motions",
        motions=("translate_left", "bounce"),
        train_per_class=6,
        test_per_class=2,
        num_frames=8,
        size=16,
        progress=False,
    )
