"""A plug-in with a view that lets its own job be ended after given steps, for tests of pre-emption.

``IIC_TEST_KILLS`` names a JSON file: for every start of the job, the steps to make first and the command that then ends
it, which the first process runs in a shell. The view returns once the signal that this causes has arrived, so the kill
falls into that step. The number of every process is in a file ``pid-RANK`` beside that file.
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import torch
from torch import nn

from iic_ptv.registry import VIEWS

LONGEST = 60  # seconds until a signal arrives


class KilledView(nn.Module):
    """RGB as it is."""

    modality_key = "video"

    def __init__(self) -> None:
        super().__init__()
        kills = json.loads(Path(os.environ["IIC_TEST_KILLS"]).read_text())
        starts = int(os.environ.get("SLURM_RESTART_COUNT", "0"))
        self.steps, self.command = kills[starts] if starts < len(kills) else (-1, "")
        self.made = 0
        Path(os.environ["IIC_TEST_KILLS"]).with_name(f"pid-{os.environ['RANK']}").write_text(str(os.getpid()))

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        if self.training and torch.is_grad_enabled():
            self.made += 1
            if self.made == self.steps and os.environ["RANK"] == "0":
                subprocess.run(self.command, shell=True)  # which the signal may reach, too, before it has ended
                began = time.monotonic()
                while not _asked_to_stop():
                    assert time.monotonic() - began < LONGEST, f"no signal came of: {self.command}"
                    time.sleep(0.01)
        return clip


def _asked_to_stop() -> bool:
    """Whether the training has heard a signal: its handler is a method of what notes them."""
    return bool(signal.getsignal(signal.SIGUSR2).__self__.made)  # type: ignore[union-attr]


VIEWS.register(KilledView, name="killed")
