"""Launching runs as a person would, and waiting until they are over."""

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import commands
import torch

from iic_ptv.data.procedural import write_videos
from iic_ptv.runs.checkpoint import LAST
from iic_ptv.runs.status import FAILED, FINISHED, STOPPED, read_status

SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("MODEL.OPTIONS.width", "0.0625", "LOSS.NUM_NEGATIVES", "4", "TRAINER.LOG_EVERY", "1"),
    *("OPTIM.BATCH_SIZE", "2", "OPTIM.EPOCHS", "4", "TRAINER.ACCELERATOR", "cpu", "TRAINER.DETERMINISTIC", "True"),
]
ON_SLURM = ["--cluster", "slurm", "--cpus-per-task", "1", "--mem", "2G", "--time", "10"]


def write_small_videos(folder: Path) -> Path:
    """Thirty-two videos of two motions to train on."""
    motions = ("translate_left", "bounce")
    return write_videos(
        folder, motions=motions, train_per_class=16, test_per_class=2, num_frames=8, size=16, progress=False
    )


def iic(*arguments: str, cwd: Path, check: bool = True, **environment: str) -> str:
    """Run the command line in a process of its own; returns what it printed."""
    result = commands.iic(*arguments, cwd=cwd, **environment)
    assert not check or result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def launch(*arguments: str, cwd: Path, **environment: str) -> Path:
    """Launch a run; returns its folder."""
    printed = iic("launch", *arguments, cwd=cwd, **environment)
    found = re.search(r"^run folder: (.+)$", printed, re.MULTILINE)
    assert found, printed
    return cwd / found[1]


def wait_until(condition: Callable[[], object], longest: float = 240, what: str = "") -> None:
    """Look again and again until something is so."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < longest, f"not within {longest} s: {what}"
        time.sleep(0.2)


def wait_for_the_end(folder: Path, longest: float = 300, over: Sequence[str] = (FINISHED, FAILED, STOPPED)) -> str:
    """Wait until a run is over; returns its state. One that the cluster requeues has stopped in between."""

    def state() -> str:
        status = read_status(folder)
        return status.state if status else ""

    try:
        wait_until(lambda: state() in over, longest, f"the end of {folder.name}")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{logs(folder)}") from error
    return state()


def logs(folder: Path) -> str:
    """All that the processes of a run have printed."""
    return "\n".join(f"--- {log.name}\n{log.read_text()}" for log in sorted((folder / "job").glob("*_log.*")))


def differences(one: Path, other: Path) -> list[str]:
    """The entries of two runs' last checkpoints, weights, banks and optimiser, that are not equal to the bit."""
    first, second = (_flat(torch.load(run / LAST, weights_only=True)) for run in (one, other))
    names = first.keys() | second.keys()
    return sorted(name for name in names if not _equal(first.get(name), second.get(name)))


def _flat(checkpoint: dict[str, object]) -> dict[str, object]:
    kept = {key: checkpoint[key] for key in ("state_dict", "optimizer_states", "lr_schedulers", "epoch", "global_step")}
    return dict(_entries(kept, ""))


def _entries(value: object, name: str):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _entries(item, f"{name}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _entries(item, f"{name}.{number}")
    else:
        yield name, value


def _equal(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return type(one) is type(other) and one == other
