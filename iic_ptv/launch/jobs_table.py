"""Runs on the terminal: of each its folder, and below it, in columns, how it is."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence

from rich.text import Text

from iic_ptv.launch.job_state import Phase
from iic_ptv.launch.run_state import ENDING, LOST, PENDING, STARTING, UNKNOWN
from iic_ptv.launch.watch import Sight
from iic_ptv.runs.status import FAILED, FINISHED, QUEUED, REQUEUED, RUNNING, STOPPED, Status

HEAD = ("job", "state", "on", "epoch", "loss", "clips/s", "left", "last words")
NUMBERS = ("epoch", "loss", "clips/s", "left")  # stand at the right of their columns
ABSENT = "–"
GAP = "  "
STYLES = {
    PENDING: "yellow",
    REQUEUED: "yellow",
    STARTING: "cyan",
    RUNNING: "green",
    ENDING: "cyan",
    FINISHED: "blue",
    FAILED: "red",
    LOST: "red",
    STOPPED: "magenta",
    UNKNOWN: "dim",
}


def jobs_table(sights: Sequence[Sight], width: int | None) -> Text:
    """All runs, and how many are in which state.

    Args:
        sights: the runs.
        width: characters of a line; what is longer is cut, or goes on below where it tells why a run ended. None: any.
    """
    rows = [_cells(sight) for sight in sights]
    widths = [max(map(len, column)) for column in zip(HEAD[:-1], *rows, strict=True)]
    room = None if width is None else width - sum(widths) - len(GAP) * len(HEAD)
    lines = [Text(_aligned(HEAD[:-1], widths) + GAP + HEAD[-1], style="dim")]
    for sight, cells in zip(sights, rows, strict=True):
        lines += [Text(str(sight.run.folder), style="bold"), *_lines(sight, _aligned(cells, widths), room, width)]
    counts = Counter(sight.state.name for sight in sights)
    lines.append(Text(", ".join(f"{number} {state}" for state, number in counts.items()), style="dim"))
    return Text("\n").join(lines)


def _lines(sight: Sight, cells: str, room: int | None, width: int | None) -> list[Text]:
    """The columns of a run with its last words beside them, or below."""
    style, words = STYLES[sight.state.name], _words(sight)
    line = Text(cells)
    line.highlight_words([sight.state.name], style)
    if sight.state.is_over and sight.state.why and room is not None and width is not None and len(words) > room:
        below = textwrap.wrap(words, width, initial_indent=2 * GAP, subsequent_indent=2 * GAP)
        return [line, *(Text(each, style) for each in below)]
    shown = Text(words, style if sight.state.why else "dim")
    if room is not None:
        shown.truncate(max(room, 0), overflow="ellipsis")
    return [line.append(GAP).append_text(shown)]


def _words(sight: Sight) -> str:
    """Why a run waits or has ended, else the last line of its log, with what it is doing."""
    state, status = sight.state, sight.status
    if state.name == LOST:
        return f"{state.why}; last words: {sight.words}" if sight.words else state.why
    if state.why or state.name == PENDING:
        return " ".join(state.why.split())
    stage = status.stage if status and state.name == RUNNING else ""
    return sight.words if not stage or sight.words.startswith(stage) else f"{stage}: {sight.words}"


def _cells(sight: Sight) -> list[str]:
    status = sight.status or Status(QUEUED)
    # Before a run begins, and when it is cancelled before, its folder names the machine that this was done from.
    is_placed = status.state != QUEUED and (status.state != STOPPED or bool(status.stage))
    host = status.host if is_placed and sight.job.phase is not Phase.WAITING else ""
    is_training = sight.state.name == RUNNING and status.step < status.steps
    return [
        sight.run.record.job_id,
        sight.state.name,
        sight.job.nodes or host or ABSENT,
        f"{status.epoch}/{status.epochs}" if status.epochs else ABSENT,
        ABSENT if status.loss is None else f"{status.loss:.2f}",
        f"{status.clips_per_second:,.0f}" if status.clips_per_second else ABSENT,
        duration(status.seconds_left) if is_training else ABSENT,
    ]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(
        GAP + (cell.rjust(width) if name in NUMBERS else cell.ljust(width))
        for name, cell, width in zip(HEAD[:-1], cells, widths, strict=True)
    )


def duration(seconds: int) -> str:
    """A time in its two largest units.

    Example:
        >>> duration(45), duration(3700), duration(200_000)
        ('45 s', '1 h 01 min', '2 d 07 h')
    """
    minutes, hours = seconds // 60, seconds // 3600
    if hours >= 24:
        return f"{hours // 24} d {hours % 24:02} h"
    if hours:
        return f"{hours} h {minutes % 60:02} min"
    return f"{minutes} min" if minutes else f"{seconds} s"
