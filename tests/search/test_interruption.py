"""Ctrl-C between two items."""

import signal
import threading

import pytest

from iic_ptv.search.interruption import interrupted_between


@pytest.fixture(autouse=True)
def at_a_terminal():
    """Processes that share out tests ignore Ctrl-C, as does what a shell runs in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


def test_a_step_is_finished_first() -> None:
    before = signal.getsignal(signal.SIGINT)
    done = []

    def steps() -> None:
        for step in interrupted_between(range(5)):
            if step == 2:
                press_ctrl_c()
            done.append(step)

    with pytest.raises(KeyboardInterrupt):
        steps()
    assert done == [0, 1, 2]
    assert signal.getsignal(signal.SIGINT) is before


def test_the_second_time_is_not_waited_with() -> None:
    items = interrupted_between(range(5))
    next(items)
    press_ctrl_c()
    with pytest.raises(KeyboardInterrupt):
        press_ctrl_c()


def test_without_ctrl_c_nothing_changes() -> None:
    before = signal.getsignal(signal.SIGINT)
    assert list(interrupted_between(range(5))) == list(range(5))
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_are_left_alone() -> None:
    found = []
    thread = threading.Thread(target=lambda: found.extend(interrupted_between(range(3))))
    thread.start()
    thread.join()
    assert found == [0, 1, 2]
