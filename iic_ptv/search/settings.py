"""What the vectors of an index depend on, and what to say if two indices, or an index and a query, differ in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iic_ptv.errors import InputError

NETWORK = "the weights of the network"
FORMER = {"EVAL.PRECISION": "32-true"}  # what was so before there was a choice: indices do not name it


def named_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as an index names them: without what all indices had in common before there was a choice."""
    return {key: value for key, value in settings.items() if (key, value) not in FORMER.items()}


def check_settings(name: str, expected: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse to mix vectors that cannot be compared.

    Args:
        name: the index, for the message.
        expected: its settings.
        given: those of what is to be added to it, or searched in it.

    Raises:
        InputError: they differ; the message says in what.
    """
    expected, given = ({**FORMER, **settings} for settings in (expected, given))
    keys = [key for key in {**expected, **given} if expected.get(key) != given.get(key)]
    if not keys:
        return
    differences = [
        f"{key} (another checkpoint)" if key == NETWORK else f"{key} ({expected.get(key)} there, {given.get(key)} here)"
        for key in keys
    ]
    raise InputError(
        f"{name} was made with other settings: {', '.join(differences)}. Vectors of different settings cannot be "
        "compared. Leave these options out to take those of the index, or make another index with `iic index FOLDER "
        "-o OTHER.index`."
    )
