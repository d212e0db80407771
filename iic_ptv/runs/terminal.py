"""What commands say on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.runs.folder import LEFT_OUT

console = Console()


def accuracy_table(
    rows: Mapping[str, Mapping[int, float]],
    chance: Mapping[int, float],
    average_precision: Mapping[str, float] | None = None,
) -> Table:
    """Top-k accuracies in percent, a row each, above those of a random ranking; mAP beside them where it is given."""
    precision = average_precision or {}
    table = Table("retrieval, % of queries", *(f"top-{k}" for k in chance), *(["mAP"] if precision else []))
    for name, accuracy in [*rows.items(), ("chance", chance)]:
        figures = [*accuracy.values(), *([precision[name]] if name in precision else [])]
        table.add_row(name, *(f"{100 * value:.1f}" for value in figures))
    return table


def counted(number: int, what: str) -> str:
    """A number of things, as in ``1 video`` and ``2 videos``."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def say(text: str, style: str | None = None) -> None:
    """Print a line as it is: names of files may hold brackets, which rich would take for markup."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def say_bad_videos(folder: Path, bad_videos: BadVideoLog) -> None:
    """Say which videos a run did without: those known to be bad, and those that turned out to be."""
    if number := len(BadVideoLog(folder / LEFT_OUT).read()):
        are = "video that a check found unreadable is" if number == 1 else "videos that a check found unreadable are"
        say(f"{number} {are} left out (see {folder / LEFT_OUT})", style="yellow")
    if bad_videos.read():
        say(bad_videos.summary(), style="yellow")
