"""A plug-in with views that get their members into trouble, for tests of sweeps.

``IIC_TEST_FOLDER`` names the folder through which they and the tests hear of each other.
"""

import os
import time
from pathlib import Path

import torch
from torch import nn

from iic_ptv.registry import VIEWS
from iic_ptv.runs.checkpoint import LAST
from iic_ptv.runs.folder import INHERITED_FOLDER

PLACE = "IIC_TEST_FOLDER"
WAITING, GO_ON, BROKEN = "waiting", "go_on", "broken"  # in that folder; tests name them, too
LONGEST = 300  # seconds until a test kills or lets go on


class Troubled(nn.Module):
    """RGB as it is."""

    modality_key = "video"

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        in_training = self.training and torch.is_grad_enabled()
        if in_training and (Path(os.environ[INHERITED_FOLDER]) / LAST).is_file():
            self.get_into_trouble(Path(os.environ[PLACE]))
        return clip


class Waiting(Troubled):
    """Once there is a checkpoint, it waits to be killed, or until it is let go on."""

    def get_into_trouble(self, place: Path) -> None:
        if (place / GO_ON).exists():
            return
        (place / "unfinished").write_text(str(os.getpid()))
        (place / "unfinished").replace(place / WAITING)
        began = time.monotonic()
        while not (place / GO_ON).exists():
            assert time.monotonic() - began < LONGEST, "nobody has killed this process"
            time.sleep(0.05)


class Breaking(Troubled):
    """Once there is a checkpoint, it breaks down, the first time."""

    def get_into_trouble(self, place: Path) -> None:
        if not (place / BROKEN).exists():
            (place / BROKEN).touch()
            raise RuntimeError("the network card has melted")


VIEWS.register(Waiting, name="waiting")
VIEWS.register(Breaking, name="breaking")
