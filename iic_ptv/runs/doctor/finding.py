"""What a check tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class State(str, Enum):
    """How what was looked at is."""

    FINE = "ok"
    ABSENT = "none"  # optional, and not here
    KNOWN = "known"  # a fault of others that is mended here, or is easily kept clear of
    NOTE = "note"  # not required, but it does not work as it should
    BROKEN = "broken"  # required, and it does not work


@dataclass(frozen=True)
class Finding:
    """What was found out about one thing.

    Attributes:
        about: what it is, in a word or two.
        state: how it is.
        told: the same in words.
        mend: what to do about it, or to have what is absent; empty if there is nothing to do.
    """

    about: str
    state: State
    told: str
    mend: str = ""


@dataclass(frozen=True)
class Check:
    """Something to look at.

    Attributes:
        section: the heading that its findings stand under.
        about: what it looks at, where it cannot tell itself.
        look: looks; a function of a module or a ``functools.partial`` of one, as it is sent to another process.
        failure: how the thing is if looking at it fails.
        mend: what to do then, if that is known.
    """

    section: str
    about: str
    look: Callable[[], list[Finding]]
    failure: State = State.NOTE
    mend: str = ""
