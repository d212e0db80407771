"""How long a job may take, as SLURM writes it."""

from __future__ import annotations

import re

from iic_ptv.errors import InputError

DAYS = re.compile(r"(?P<days>\d+)-(?P<hours>\d+)(:(?P<minutes>\d+)(:(?P<seconds>\d+))?)?")
HOURS = re.compile(r"(?P<hours>\d+):(?P<minutes>\d+):(?P<seconds>\d+)")
MINUTES = re.compile(r"(?P<minutes>\d+)(:(?P<seconds>\d+))?")


def minutes_of(text: str | int) -> int:
    """The minutes that a time limit means, rounded up.

    Args:
        text: what ``sbatch --time`` takes: minutes, ``minutes:seconds``, ``hours:minutes:seconds``, ``days-hours``,
            ``days-hours:minutes`` or ``days-hours:minutes:seconds``.

    Raises:
        InputError: it is none of these, or no time at all.

    Example:
        >>> minutes_of("72:00:00"), minutes_of("2-12:00"), minutes_of("90")
        (4320, 3600, 90)
    """
    for form in (DAYS, HOURS, MINUTES):
        if found := form.fullmatch(str(text).strip()):
            parts = {name: int(value or 0) for name, value in found.groupdict().items()}
            seconds = parts.get("seconds", 0) + 60 * parts.get("minutes", 0)
            seconds += 3600 * parts.get("hours", 0) + 86400 * parts.get("days", 0)
            if seconds:
                return -(-seconds // 60)
    raise InputError(f"--time: expected minutes, 72:00:00 or 2-12:00 (two days and twelve hours), got '{text}'.")
