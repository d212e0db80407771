"""A limit to the time that reading a video may take."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from iic_ptv.data.decoding.errors import VideoError

AGAIN = 0.1  # seconds to the next interruption, should someone have swallowed the one before


@contextmanager
def time_limit(seconds: float, path: str) -> Iterator[None]:
    """Raise an error in the block if it takes longer.

    What waits for a file or decodes one frame after another is interrupted, in the main process and in the worker
    processes of a data loader alike. Nothing is interrupted in threads other than the main one and on Windows, as
    signals are the only way to do so, and inside a single call of a library that never returns.

    Args:
        seconds: the limit; 0 for none.
        path: the video that is read, for the message.

    Raises:
        VideoError: in the block, when the time is over.
    """
    if not seconds or threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    waiting = True

    def interrupt(number: int, frame: FrameType | None) -> None:
        if waiting:
            raise VideoError(f"reading it took longer than {seconds:g} s", path)

    begun = time.monotonic()
    handler_before = signal.signal(signal.SIGALRM, interrupt)
    left_before, interval_before = signal.getitimer(signal.ITIMER_REAL)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
            yield
        finally:
            waiting = False
    finally:  # the time may have been over just before the line above
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler_before)
        if left_before:  # a limit around this one: what is left of it, and if nothing is, as soon as can be
            left = max(left_before - (time.monotonic() - begun), 1e-6)
            signal.setitimer(signal.ITIMER_REAL, left, interval_before)
