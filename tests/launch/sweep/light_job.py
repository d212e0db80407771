"""A job that stands for that of a member, and does nothing but look at the others."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

LONGEST = 60  # seconds until the other one begins


@dataclass
class LightJob:
    """Notes which jobs run beside it, and which GPUs it sees; may wait for another to begin."""

    folder: str
    wait_for: str = ""
    command = ("iic", "pretrain")

    def __call__(self) -> None:
        folder = Path(self.folder)
        others = folder.parent
        (folder / "began").touch()
        running = [each.parent.name for each in others.glob("*/began") if not (each.parent / "ended").exists()]
        (folder / "running").write_text(" ".join(sorted(running)))
        (folder / "gpus").write_text(os.environ["CUDA_VISIBLE_DEVICES"])
        began = time.monotonic()
        while self.wait_for and not (others / self.wait_for / "began").exists():
            assert time.monotonic() - began < LONGEST, f"{self.wait_for} has not begun"
            time.sleep(0.05)
        (folder / "ended").touch()
