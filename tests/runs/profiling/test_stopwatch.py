"""Parts of a step, one within another, and the rest."""

from __future__ import annotations

import time

import pytest
import torch

from iic_ptv.runs.profiling.stopwatch import REST, Stopwatch
from iic_ptv.step_parts import listening, step_part


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "perf_counter", made)
    return made


def test_what_is_within_counts_for_itself(clock) -> None:
    stopwatch = Stopwatch()
    with listening(stopwatch):
        clock.now = 1.0
        with step_part("outer"):
            clock.now = 3.0
            with step_part("inner"):
                clock.now = 7.0
            clock.now = 8.0
        with step_part("outer"):
            clock.now = 8.5
        clock.now = 10.0
    assert stopwatch.lap() == {REST: 2.5, "outer": 3.5, "inner": 4.0}
    clock.now = 11.0
    assert stopwatch.lap() == {REST: 1.0}


def test_work_that_the_device_does_later_counts_where_it_was_asked_for(clock) -> None:
    pending = 0.0

    def finish() -> None:
        nonlocal pending
        clock.now, pending = clock.now + pending, 0.0

    stopwatch = Stopwatch(finish)
    with listening(stopwatch):
        with step_part("asks"):
            pending = 5.0
        with step_part("does not"):
            clock.now += 1.0
    assert stopwatch.lap() == {REST: 0.0, "asks": 5.0, "does not": 1.0}


def test_an_error_ends_the_part(clock) -> None:
    stopwatch = Stopwatch()
    with listening(stopwatch), pytest.raises(ValueError, match="broken"), step_part("part"):
        raise ValueError("broken")
    clock.now = 1.0
    assert stopwatch.lap()[REST] == 1.0


def test_nobody_is_told_without_a_listener_and_the_trace_is() -> None:
    stopwatch = Stopwatch()
    with listening(stopwatch):
        pass
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler, step_part("part"):
        torch.ones(1)
    assert "iic.part" in {event.key for event in profiler.key_averages()}
    assert set(stopwatch.lap()) == {REST}
