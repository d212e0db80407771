"""Checks that break in whatever way are findings, and those after them are looked at all the same."""

from __future__ import annotations

import os
import signal
import sys
from functools import partial

import pytest

from iic_ptv.runs.doctor.examine import examine
from iic_ptv.runs.doctor.finding import Check, State
from iic_ptv.runs.doctor.packages import look_at_this_package

SOUND = Check("last", "iic_ptv", look_at_this_package)


@pytest.mark.parametrize(
    ("look", "told"),
    [
        (partial(int, "seven"), "ValueError: invalid literal for int() with base 10: 'seven'"),
        (partial(sys.exit, "no licence"), "SystemExit: no licence"),
        (partial(os._exit, 3), "looking at it ended the process (exit code 3)"),
        (os.abort, "looking at it ended the process (Aborted)"),
    ],
)
def test_what_breaks_is_a_finding_and_the_rest_is_looked_at(look, told: str, capfd) -> None:
    broken = Check("first", "a library", look, State.BROKEN, "install it again")
    (first, (fault,)), (second, findings) = examine([broken, SOUND])
    assert (first, second) == (broken, SOUND)
    assert (fault.about, fault.state, fault.told, fault.mend) == ("a library", State.BROKEN, told, "install it again")
    assert findings == look_at_this_package()
    assert capfd.readouterr() == ("", "")


def test_what_never_answers_is_a_finding() -> None:
    ((_, (fault,)),) = examine([Check("first", "a library", signal.pause)], patience=0.5)
    assert fault.told == "no answer within 0.5 s"
