"""The progress bar of commands that go through a collection."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text


def progress_bar(enabled: bool | None = None) -> Progress:
    """A bar on standard error: how many videos of how many, how fast, and how long it takes still.

    Args:
        enabled: show it; None: where standard error is a terminal.
    """
    console = Console(stderr=True)
    enabled = console.is_terminal if enabled is None else enabled
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        disable=not enabled,
    )


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed or 0.0
        return Text(f"{speed:.0f} videos/s" if speed >= 10 else f"{speed:.2g} videos/s")
