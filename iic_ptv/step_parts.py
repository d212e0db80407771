"""The parts of a training step, by name: for traces, and for whoever listens where its time goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from torch.profiler import record_function

PREFIX = "iic."  # of the names in traces of torch.profiler
DATA_WAIT, TRANSFER, TRANSFORMS = "data wait", "transfer", "transforms"
VIEWS, FORWARD, FORWARD_NEGATIVE, LOSS = "views", "forward", "forward, intra-negative", "loss"
BACKWARD, OPTIMIZER = "backward", "optimiser"


class Listener(Protocol):
    """Hears where a part begins and where it ends; parts may lie within others."""

    def begin(self, name: str) -> None:
        """A part begins."""

    def end(self, name: str) -> None:
        """The part that began last ends."""


_listeners: list[Listener] = []


@contextmanager
def step_part(name: str) -> Iterator[None]:
    """Mark what is done within as one of the parts above; takes microseconds."""
    with record_function(PREFIX + name):
        for listener in _listeners:
            listener.begin(name)
        try:
            yield
        finally:
            for listener in _listeners:
                listener.end(name)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let a listener hear of the parts that begin within."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
