"""What a manifest says of a collection, as tables for the terminal."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from statistics import median

from rich import box
from rich.console import RenderableType
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from iic_ptv.data.decoding.frame_index import HIGHEST_RATE
from iic_ptv.data.preparation.manifest import ManifestRow

CLIP_LENGTH = 16  # the paper's; shorter videos do not fill a clip
LONG_GOP = 50  # frames; from here on most of the time that a clip takes is spent on frames before it
SHOWN = 6  # rows for each property
REASONS = 12  # rows for those that cannot be read
NAMED = 3  # examples of each fault


def collection_tables(rows: Sequence[ManifestRow]) -> Iterator[RenderableType]:
    """Tables of what the videos are, which cannot be read and why, and which are suspicious."""
    good = [row for row in rows if not row.error]
    yield _overview(rows, good)
    if good:
        yield _properties(good)
    if len(good) < len(rows):
        yield bad_table(rows)
    if suspicious := _suspicious_table(good):
        yield suspicious


def bad_table(rows: Sequence[ManifestRow]) -> Table:
    """Why videos cannot be read: each reason with the number of videos and the names of some."""
    reasons: dict[str, list[ManifestRow]] = {}
    for row in rows:
        if row.error:  # reasons that differ in numbers alone are one
            reasons.setdefault(re.sub(r"\d+", "#", row.error), []).append(row)
    table = _table("cannot be read because", "videos", "for example")
    groups = sorted(reasons.items(), key=lambda group: -len(group[1]))
    for reason, group in groups[:REASONS]:
        shown = group[0].error if len({row.error for row in group}) == 1 else reason
        table.add_row(Text(shown), _number(len(group)), Text(_examples([row.path for row in group])))
    if others := groups[REASONS:]:
        table.add_row("other reasons, see the manifest", _number(sum(len(group) for _, group in others)))
    return table


def _overview(rows: Sequence[ManifestRow], good: Sequence[ManifestRow]) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    bad = len(rows) - len(good)
    table.add_row(
        "videos", f"{_number(len(rows))}, of which {_number(bad)} cannot be read" if bad else _number(len(rows))
    )
    table.add_row("on disk", decimal(sum(row.size for row in rows)))
    if good:
        frames = [row.num_frames for row in good]
        table.add_row("frames", f"{_number(sum(frames))}; {_range(frames, _number)}")
    durations = [row.num_frames / row.frame_rate for row in good if _tells_rate(row)]
    if durations:
        of_some = "" if len(durations) == len(good) else f" of {_number(len(durations))} videos"
        table.add_row("duration", f"{_time(sum(durations))}{of_some}; {_range(durations, _time)}")
    return table


def _properties(good: Sequence[ManifestRow]) -> Table:
    table = _table("", "", "videos", "%")
    properties: dict[str, Callable[[ManifestRow], str]] = {
        "codec": lambda row: row.codec,
        "height x width": lambda row: f"{row.height} x {row.width}",
        "frames per second": lambda row: f"{row.frame_rate:.4g}" if row.frame_rate else "not stated",
    }
    for name, describe in properties.items():
        counted = Counter(map(describe, good)).most_common()
        shown = counted if len(counted) <= SHOWN + 1 else counted[:SHOWN]
        if len(shown) < len(counted):
            shown = [*shown, (f"{len(counted) - SHOWN} others", sum(count for _, count in counted[SHOWN:]))]
        _add_section(table, name, shown, len(good))
    bounds = (1, 12, LONG_GOP, 250)
    _add_section(table, "frames from keyframe to keyframe", _histogram([row.gop for row in good], bounds), len(good))
    return table


def _add_section(table: Table, name: str, counted: Sequence[tuple[str, int]], total: int) -> None:
    table.add_section()
    for place, (value, count) in enumerate(counted):
        table.add_row("" if place else name, value, _number(count), f"{100 * count / total:.1f}")


def _histogram(values: Sequence[int], bounds: Sequence[int]) -> list[tuple[str, int]]:
    """Numbers of values up to each bound, and beyond the last; without the empty ranges."""
    edges = [0, *bounds]
    labels = [
        str(high) if high - low == 1 else f"{low + 1} to {high}" for low, high in zip(edges, bounds, strict=False)
    ]
    counts = [sum(low < value <= high for value in values) for low, high in zip(edges, bounds, strict=False)]
    counted = [
        *zip(labels, counts, strict=True),
        (f"more than {bounds[-1]}", sum(value > bounds[-1] for value in values)),
    ]
    return [(label, count) for label, count in counted if count]


def _suspicious_table(good: Sequence[ManifestRow]) -> Table | None:
    """Videos that can be read, yet may not be what one expects."""
    suspicions: dict[str, Callable[[ManifestRow], bool]] = {
        f"shorter than {CLIP_LENGTH} frames: DATA.SHORT says what becomes of them": lambda row: (
            row.num_frames < CLIP_LENGTH
        ),
        f"no frame rate, or above {HIGHEST_RATE:.0f}: leave DATA.FRAME_RATE at 0": lambda row: not _tells_rate(row),
        f"over {LONG_GOP} frames from keyframe to keyframe: slow, see `iic prepare`": lambda row: row.gop > LONG_GOP,
    }
    table = _table("suspicious", "videos", "for example")
    for suspicion, applies in suspicions.items():
        if paths := [row.path for row in good if applies(row)]:
            table.add_row(suspicion, _number(len(paths)), Text(_examples(paths)))
    return table if table.rows else None


def _tells_rate(row: ManifestRow) -> bool:
    return 0 < row.frame_rate <= HIGHEST_RATE


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, justify="right" if column in ("videos", "%") else "left", overflow="fold")
    return table


def _examples(paths: Sequence[str]) -> str:
    names = [os.path.basename(path) for path in paths[:NAMED]]
    return ", ".join([*names, "..."] if len(paths) > NAMED else names)


def _range(values: Sequence[float], show: Callable[[float], str]) -> str:
    return f"{show(min(values))} to {show(max(values))} in a video, median {show(median(values))}"


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))
