"""Run folders: never overwritten, and with all that is needed to repeat the run."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from iic_ptv import __version__
from iic_ptv.errors import InputError
from iic_ptv.processes import launched_processes

# Environment variable: the folder of the run that a process works for, from its first process or from its launcher.
INHERITED_FOLDER = "IIC_RUN_FOLDER"
COMMIT = "COMMIT"  # beside the code that a job was submitted with: what it is a snapshot of
METRICS, CONFIG = "metrics.json", "config.yaml"  # in a run folder: its results; its options
NO_CHECKOUT = "unknown: not run from a git checkout"  # in the place of a commit
LEFT_OUT = "left_out.csv"  # in a run folder: videos that were known to be bad when the run began
LIBRARIES = ("torch", "torchvision", "pytorchvideo", "lightning", "decord", "av", "numpy", "scikit-learn")


def create_run_folder(output: str | Path, command: str, name: str) -> Path:
    """Make ``output/command/<date>-<time>-<name>``; a second run within the same second gets ``-2`` appended.

    Raises:
        InputError: the folder cannot be written.
    """
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-{name}"
    parent = Path(output) / command
    for number in range(1, 1000):
        folder = parent / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise InputError(f"OUTPUT: {folder} cannot be made ({error.strerror}); name another folder.") from error
        return folder
    raise InputError(f"OUTPUT: {parent} already has a thousand runs called {stem}.")


@contextmanager
def joint_run_folder(output: str | Path, command: str, name: str) -> Iterator[Path]:
    """A new run folder, or the one that this process was given: by its launcher, or by the run's first process.

    A folder in which nothing has begun when an :class:`InputError` ends the block is taken away again.

    Raises:
        InputError: as :func:`create_run_folder`, or this process was started as one of several by something other
            than the first of them.
    """
    if inherited := os.environ.get(INHERITED_FOLDER):
        yield Path(inherited)
        return
    if int(os.environ.get("WORLD_SIZE", os.environ.get("SLURM_NTASKS", "1"))) > 1:
        raise InputError(
            "start a single process, and let it start the others: with TRAINER.DEVICES N on one machine, with "
            "`iic launch` on a cluster."
        )
    folder = create_run_folder(output, command, name)
    os.environ[INHERITED_FOLDER] = str(folder)
    try:
        yield folder
    except InputError:
        if not any(folder.iterdir()):
            folder.rmdir()
        raise
    finally:
        del os.environ[INHERITED_FOLDER]


def is_further_process() -> bool:
    """Whether this is not the first process of a run on several devices, and should keep silent."""
    launched = launched_processes()
    return launched.rank != 0 if launched else os.environ.get("LOCAL_RANK", "0") != "0"


def describe_run(folder: Path, config: str) -> None:
    """Write what the run is: its configuration, its command, the versions and the commit of the code.

    What a resumed run is goes beside it, into ``config-2.yaml`` and ``versions-2.json``, then ``-3`` and so on.
    """
    suffix = _suffix(_num_parts(folder) + 1)
    (folder / f"config{suffix}.yaml").write_text(config)
    write_json(folder / f"versions{suffix}.json", {"command": command_line(), "commit": source_commit(), **versions()})


def latest_config(folder: Path) -> str:
    """The configuration that :func:`describe_run` wrote last."""
    return (folder / f"config{_suffix(_num_parts(folder))}.yaml").read_text()


def _num_parts(folder: Path) -> int:
    """How often a run was begun or gone on with."""
    return len(list(folder.glob("versions*.json")))


def _suffix(part: int) -> str:
    return f"-{part}" if part > 1 else ""


def versions() -> dict[str, str]:
    """Versions of this package, Python and the libraries that decide what a run computes."""
    found = {"iic_ptv": __version__, "python": platform.python_version(), "platform": platform.platform()}
    for library in LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            found[library] = "not installed"
    return found


def command_line() -> str:
    """The command that started this process, as one would type it."""
    return shlex.join(["iic", *sys.argv[1:]])


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` so that ``path`` is at any moment the old file or the new one."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(json.dumps(content, indent=2) + "\n")
    unfinished.replace(path)


def source_commit() -> str:
    """The commit of the source tree that runs, or that it is a snapshot of; ``+changes`` if files differ from it."""
    root = Path(__file__).parents[2]
    if (snapshot := root / COMMIT).is_file():
        return snapshot.read_text().strip()
    if not (root / ".git").exists():  # else git would tell of a checkout around the folder of installed packages
        return NO_CHECKOUT
    try:
        commit = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty=+changes", "--abbrev=12", "--match="],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return NO_CHECKOUT
    return commit.stdout.strip()
