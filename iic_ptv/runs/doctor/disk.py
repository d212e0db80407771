"""Whether there is room where files go."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from iic_ptv.runs.doctor.finding import Finding, State

GIGA = 1e9
SCARCE = 1.0  # GB: a run of R3D writes checkpoints of some hundred MB
SHARED_MEMORY = Path("/dev/shm")  # through which workers hand over clips; 64 MB in a container unless told otherwise


def look_at_runs() -> list[Finding]:
    """The folder that runs go to by default, under the one that this command was started in."""
    from iic_ptv.config import default_config

    return [_room("runs", Path(default_config().OUTPUT).absolute(), "OUTPUT FOLDER puts runs elsewhere")]


def look_at_cache() -> list[Finding]:
    """Where weights are downloaded to."""
    from iic_ptv.zoo.fetch import weights_folder

    return [_room("weights", weights_folder().absolute(), "the environment variable TORCH_HOME names another folder")]


def look_at_temporary() -> list[Finding]:
    """The folder for temporary files."""
    return [_room("temporary", Path(tempfile.gettempdir()), "the environment variable TMPDIR names another folder")]


def look_at_shared_memory() -> list[Finding]:
    """What the worker processes of a data loader share, on Linux."""
    if not SHARED_MEMORY.is_dir():
        return []
    return [_room("shared memory", SHARED_MEMORY, "docker run --shm-size 8g, or DATA.NUM_WORKERS 0")]


def _room(about: str, folder: Path, mend: str) -> Finding:
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free / GIGA
    told = f"{free:,.1f} GB free in {folder}"
    if not os.access(there, os.W_OK):
        return Finding(about, State.NOTE, f"{folder} cannot be written to", mend)
    return Finding(about, State.NOTE, told, mend) if free < SCARCE else Finding(about, State.FINE, told)
