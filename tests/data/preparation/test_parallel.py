"""Processes that die, hang or fail, and what that costs."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from iic_ptv.data.preparation.parallel import Failure, run_parallel
from iic_ptv.errors import InputError


def misbehave(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    if number == 5:
        os._exit(7)
    if number == 7:
        time.sleep(600)
    return number * number


def die_once(mark: Path, number: int) -> int:
    if number == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def refuse(number: int) -> int:
    raise InputError(f"no {number}")


def divide(number: int) -> float:
    return 1 / number


def test_every_item_has_its_result() -> None:
    assert dict(run_parallel(str, range(50), 3)) == {number: str(number) for number in range(50)}
    assert list(run_parallel(str, [], 2)) == []


def test_items_that_kill_or_block_their_process_fail_alone() -> None:
    outcomes = dict(run_parallel(misbehave, range(12), 2, time_limit=2))
    failures = {number: outcome for number, outcome in outcomes.items() if isinstance(outcome, Failure)}
    assert {number: outcomes[number] for number in outcomes.keys() - {3, 5, 7}} == {
        number: number * number for number in range(12) if number not in (3, 5, 7)
    }
    assert failures.keys() == {3, 5, 7}
    assert "Segmentation fault" in failures[3].reason
    assert "exit code 7" in failures[5].reason
    assert failures[7].reason == "it took longer than 2 s"


def test_an_item_whose_process_was_killed_has_a_second_chance(tmp_path) -> None:
    assert sorted(run_parallel(partial(die_once, tmp_path / "mark"), range(4), 2)) == [(n, n) for n in range(4)]
    assert (tmp_path / "mark").exists()


def test_errors_of_the_function_come_through() -> None:
    with pytest.raises(InputError, match="no 2"):
        list(run_parallel(refuse, [2], 1))
    with pytest.raises(RuntimeError, match=r"(?s)in divide.*ZeroDivisionError"):
        list(run_parallel(divide, [1, 0], 1))
    with pytest.raises(InputError, match="at least 1"):
        list(run_parallel(divide, [1], 0))
    with pytest.raises(InputError, match="time limit must be 0"):
        list(run_parallel(divide, [1], 1, time_limit=-1))


SCRIPT = """
import os, time
from iic_ptv.data.preparation.parallel import run_parallel

def say_and_sleep(seconds):
    print(os.getpid(), flush=True)
    time.sleep(seconds)

if __name__ == "__main__":
    for _ in run_parallel(say_and_sleep, [{seconds}] * 1_000_000, 2):
        pass
"""


@pytest.mark.parametrize(("ending", "seconds"), [(signal.SIGINT, 600), (signal.SIGKILL, 0)])
def test_no_process_outlives_the_first(tmp_path, ending, seconds) -> None:
    """Each holds the end of the pipe that they print to, which therefore closes with the last of them."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(seconds=seconds))
    first = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    first.stdout.readline()
    first.send_signal(ending)
    _, errors = first.communicate(timeout=60)
    assert errors.count(b"Traceback") == (1 if ending == signal.SIGINT else 0)  # the first one's own
