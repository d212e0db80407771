"""Times in a video, as people write them."""

from __future__ import annotations

import re

from iic_ptv.errors import InputError

TIME = re.compile(r"(?:(?:(?P<hours>\d+):)?(?P<minutes>\d+):)?(?P<seconds>\d+(?:\.\d*)?|\.\d+)s?")


def parse_time(text: str) -> float:
    """Seconds.

    Raises:
        InputError: it is no time.

    Example:
        >>> [parse_time(text) for text in ("12.5", "12.5s", "1:02", "1:00:00.5")]
        [12.5, 12.5, 62.0, 3600.5]
    """
    time = TIME.fullmatch(text.strip())
    if time is None:
        raise InputError(f"'{text}' is no time in a video: write it like 12.5, 12.5s or 1:02.")
    return 3600 * int(time["hours"] or 0) + 60 * int(time["minutes"] or 0) + float(time["seconds"])


def format_time(seconds: float) -> str:
    """A time, to a tenth of a second.

    Example:
        >>> [format_time(seconds) for seconds in (2.96, 62, 3600.5)]
        ['0:03.0', '1:02.0', '1:00:00.5']
    """
    tenths = round(10 * seconds)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{f'{hours}:{minutes:02}' if hours else minutes}:{tenths // 10:02}.{tenths % 10}"
