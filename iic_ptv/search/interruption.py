"""Ctrl-C that waits for the end of a step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import TypeVar

Item = TypeVar("Item")


def interrupted_between(items: Iterable[Item]) -> Iterator[Item]:
    """Iterate such that Ctrl-C takes effect between two items.

    In the middle of one, a worker process may be handing over memory, and would complain of who does not take it. A
    second Ctrl-C is not waited with.

    Raises:
        KeyboardInterrupt: before the next item, if Ctrl-C was pressed.
    """
    if threading.current_thread() is not threading.main_thread():  # which alone hears of signals
        yield from items
        return
    pressed = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        for item in items:
            if pressed:
                raise KeyboardInterrupt
            yield item
    finally:
        signal.signal(signal.SIGINT, before)
