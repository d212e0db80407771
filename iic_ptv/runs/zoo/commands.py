"""What `iic zoo download`, `iic zoo verify` and `iic zoo publish` do."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from iic_ptv.errors import InputError
from iic_ptv.files.atomic import atomic_write
from iic_ptv.runs.terminal import say
from iic_ptv.runs.zoo.pinned import deviation
from iic_ptv.runs.zoo.publish import publish
from iic_ptv.runs.zoo.request import Request
from iic_ptv.zoo.catalogue import find_record, records
from iic_ptv.zoo.fetch import fetch
from iic_ptv.zoo.record import Record
from iic_ptv.zoo.tables import facts
from iic_ptv.zoo.verify import ABSENT, CACHED, DAMAGED, SHIPPED, verify
from iic_ptv.zoo.weights_file import read_weights

SOUND = (SHIPPED, CACHED)


def download_command(name: str, suffix: str, folder: str | None) -> Path:
    """Bring a checkpoint to this machine, and say where it is.

    Args:
        name: of the checkpoint.
        suffix: ``.pth`` or ``.safetensors``.
        folder: where to put a copy; None: it stays where it is kept.

    Raises:
        InputError: it cannot be had, or not be written.
    """
    path = fetch(find_record(name), suffix=suffix)
    if folder is not None:
        path = _copied(path, Path(folder))
    say(str(path))
    return path


def verify_command(names: Sequence[str], zoo: str | None = None) -> bool:
    """Check the files that are here, and the features of the networks in them; prints what was found.

    Args:
        names: of checkpoints; all if none is named.
        zoo: the ``model_zoo`` that they are in; by default our own.

    Returns:
        Whether nothing is wrong.
    """
    found = [find_record(name, zoo) for name in names] or list(records(zoo).values())
    sound = True
    for record in found:
        for verdict in verify([record], Path(zoo) if zoo else None):
            state, message = verdict.state, verdict.message
            if state in SOUND and (off := _features_off(record, verdict.path)):
                state, message = DAMAGED, off
            place = "" if state in (*SOUND, ABSENT) else f" ({verdict.path})"
            say(f"{verdict.file}: {message}{place}", style="red" if state == DAMAGED else None)
            sound &= state != DAMAGED
        if not record.files:
            say(f"{record.name}: not ours, published at {record.published}")
    return sound


def publish_command(request: Request) -> None:
    """Publish the checkpoint of a run, and say what was written."""
    published = publish(request)
    for path in published.files:
        say(f"written: {path}")
    if rounding := facts(published.record).get("float16"):
        say(f"float16 {rounding}")
    where = f" --zoo {shlex.quote(request.zoo)}" if request.zoo else ""
    say(f"{published.record.name} is published; look at it with: iic zoo show {published.record.name}{where}")


def _features_off(record: Record, path: Path) -> str:
    """What is wrong with the features of a network whose file is in order; empty if nothing is."""
    if record.pinned_clip is None:
        return ""
    off = deviation(record.pinned_clip, read_weights(path))
    if off <= record.pinned_clip.tolerance:
        return ""
    return f"its hash is right, but its features of the pinned clip are off by {off:.2g} of their norm"


def _copied(path: Path, folder: Path) -> Path:
    try:
        with atomic_write(folder / path.name) as temporary:
            shutil.copyfile(path, temporary)
    except OSError as error:
        raise InputError(f"-o: {folder} cannot be written to ({error.strerror}); name another folder.") from error
    return folder / path.name
