"""What asks a run to stop, and how a run listens for it."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any

# Ctrl-C; `kill`, and SLURM when it ends a job; and what announces that the time is nearly up, or the node is needed.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2)


class StopRequest:
    """Notes, within a ``with`` block, that a signal asks the run to stop; a second Ctrl-C stops at once.

    Attributes:
        made: whether the run is to stop.
        to_go_on: whether it is to go on by itself later.
    """

    def __init__(self) -> None:
        self.made = False
        self.to_go_on = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopRequest:
        self.made = self.to_go_on = False
        self._before = {number: signal.getsignal(number) for number in SIGNALS}
        self.listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def listen(self) -> None:
        """Listen, also to signals that another has begun to handle meanwhile, as Lightning does with SIGTERM."""
        for number in SIGNALS:
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.made = True
        # Pre-emption may send SIGTERM, too, before or after: what is to go on later is not only to stop.
        self.to_go_on |= number == signal.SIGUSR2
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
