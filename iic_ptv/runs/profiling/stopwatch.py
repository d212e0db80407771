"""Taking the times of the parts of a step."""

from __future__ import annotations

import time
from collections.abc import Callable

REST = "rest"  # of a step, what belongs to no part


class Stopwatch:
    """Adds up the seconds of each part of a step, a :class:`~iic_ptv.step_parts.Listener`.

    What lies within another part counts for itself alone, so that the parts and the rest add up to the step.

    Args:
        finish: waits until the device has done what it was told to do, so that work is counted where it was asked for.
    """

    def __init__(self, finish: Callable[[], None] = lambda: None) -> None:
        self._finish = finish
        self._within: list[str] = []
        self.restart()

    def restart(self) -> None:
        """Begin a step."""
        self._seconds: dict[str, float] = {}
        self._finish()
        self._since = time.perf_counter()

    def begin(self, name: str) -> None:
        """A part begins."""
        self._charge()
        self._within.append(name)

    def end(self, name: str) -> None:
        """The part that began last ends."""
        self._charge()
        self._within.pop()

    def lap(self) -> dict[str, float]:
        """End the step and begin the next one; returns the seconds of its parts and of the rest."""
        self._charge()
        seconds, self._seconds = self._seconds, {}
        return seconds

    def _charge(self) -> None:
        """Put what has passed on the account of the innermost part."""
        self._finish()
        now = time.perf_counter()
        name = self._within[-1] if self._within else REST
        self._seconds[name] = self._seconds.get(name, 0.0) + now - self._since
        self._since = now
