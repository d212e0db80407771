"""What ``iic jobs`` does."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.live import Live
from rich.text import Text

from iic_ptv.config import default_config
from iic_ptv.launch.jobs_table import jobs_table
from iic_ptv.launch.launched_runs import runs_of
from iic_ptv.launch.watch import Sight, look_again, look_at
from iic_ptv.runs.terminal import console, say

SECONDS_BETWEEN = 4.0  # looks; a cluster does not like to be asked all the time


def jobs_command(names: Sequence[str], is_followed: bool = False) -> None:
    """Show runs that were launched as jobs.

    Args:
        names: run folders, or folders of runs; none: all in the output folder.
        is_followed: show them again and again, until all are over.

    Raises:
        InputError: a name is none of a launched run, or a record is damaged.
    """
    runs = runs_of(names)
    if not runs:
        say(f"nothing in {default_config().OUTPUT}/ was launched as a job; see iic launch --help")
        return
    sights = look_at(runs)
    if is_followed:
        follow(sights)
    else:
        console.print(_table(sights), soft_wrap=True)


def follow(sights: Sequence[Sight]) -> None:
    """Show runs until all are over. Ctrl-C ends only the showing."""
    try:
        if console.is_terminal:
            _follow_on_terminal(sights)
        else:
            _follow_in_log(sights)
    except KeyboardInterrupt:
        say("not followed any more; the jobs go on")


def _follow_on_terminal(sights: Sequence[Sight]) -> None:
    """Draw the table over itself, with the runs that are over at its end."""
    with Live(console=console, auto_refresh=False) as live:
        while True:
            is_over = all(sight.state.is_over for sight in sights)
            if is_over:
                live.update(_table(sights), refresh=True)
                return
            live.update(_in_height(_table(sorted(sights, key=lambda sight: sight.state.is_over))), refresh=True)
            time.sleep(SECONDS_BETWEEN)
            sights = look_again(sights)


def _follow_in_log(sights: Sequence[Sight]) -> None:
    """Print the table once more whenever a run has come into another state."""
    shown: list[str] = []
    while True:
        states = [sight.state.name for sight in sights]
        if states != shown:
            console.print(_table(sights), soft_wrap=True)
            shown = states
        if all(sight.state.is_over for sight in sights):
            return
        time.sleep(SECONDS_BETWEEN)
        sights = look_again(sights)


def _in_height(table: Text) -> Text:
    """A table with as many runs as the terminal has lines for, and how to leave it."""
    lines, room = table.append("; Ctrl-C leaves, and the jobs go on", "dim").split("\n"), console.height - 1
    return Text("\n").join(lines if len(lines) <= room else [*lines[: room - 2], Text("…"), lines[-1]])


def _table(sights: Sequence[Sight]) -> Text:
    return jobs_table(sights, console.width if console.is_terminal else None)
