"""How a run is, as its folder tells those who watch it from elsewhere."""

from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from iic_ptv.files.structured import StructureError, from_json, to_json
from iic_ptv.runs.folder import write_json

STATUS = "status.json"
# States of a run. One that stopped is to be resumed by its user, one that is requeued goes on by itself.
QUEUED, RUNNING, STOPPED, REQUEUED, FAILED, FINISHED = "queued", "running", "stopped", "requeued", "failed", "finished"


@dataclass(frozen=True)
class Status:
    """What a run last said of itself.

    Attributes:
        state: ``queued``, ``running``, ``stopped``, ``requeued``, ``failed`` or ``finished``.
        updated: when it said so, in ISO format, UTC.
        host: on which machine its first process is.
        stage: what it is doing, such as ``pre-training``.
        epoch: the epoch that it is in, from 1.
        epochs: epochs of the whole training.
        step: optimiser steps made.
        steps: of the whole training.
        loss: the last one that was read.
        clips_per_second: of all processes together.
        seconds_left: of the training, if it goes on like this.
        message: why it failed or stopped.
    """

    state: str
    updated: str = ""
    host: str = ""
    stage: str = ""
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    loss: float | None = None
    clips_per_second: float = 0.0
    seconds_left: int = 0
    message: str = ""

    @property
    def age(self) -> float:
        """Seconds since it was said."""
        return (datetime.now(timezone.utc) - datetime.fromisoformat(self.updated)).total_seconds()


def read_status(folder: Path) -> Status | None:
    """What a run last said of itself; None if it has not said anything, or nothing that can be understood."""
    try:
        return from_json(Status, json.loads((folder / STATUS).read_text()))
    except (OSError, ValueError, StructureError):
        return None


def tell_status(folder: Path, **changes: Any) -> None:
    """Change what a run says of itself; what is not named stays as it was. Never ends a run that cannot write it."""
    status = read_status(folder) or Status(RUNNING)
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    with contextlib.suppress(OSError):
        write_json(folder / STATUS, to_json(replace(status, updated=now, host=socket.gethostname(), **changes)))
