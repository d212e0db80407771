"""What ``INTRA_NEGATIVE`` and ``INTRA_NEGATIVE_OPTIONS`` say: which intra-negatives there are, and what makes each."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from iic_ptv.errors import InputError
from iic_ptv.registry import INTRA_NEGATIVES

NO_INTRA_NEGATIVE = "none"
SEVERAL, COMPOSED = ",", "+"


def intra_negative_names(text: str) -> list[list[str]]:
    """The intra-negatives of a clip, each by the names of what is done to it, in order.

    Raises:
        InputError: a name is not registered, or missing; the message lists those that there are.

    Example:
        >>> intra_negative_names("repeat,shuffle+rotate")
        [['repeat'], ['shuffle', 'rotate']]
        >>> intra_negative_names("none")
        []
    """
    if text == NO_INTRA_NEGATIVE:
        return []
    kinds = [kind.split(COMPOSED) for kind in text.split(SEVERAL)]
    names = list(itertools.chain(*kinds))
    if len(names) > 1 and {"", NO_INTRA_NEGATIVE} & {*names}:
        raise InputError(
            f"INTRA_NEGATIVE: expected names joined by {SEVERAL} (several of a clip) or {COMPOSED} (one after the "
            f"other), such as repeat,shuffle+rotate, or {NO_INTRA_NEGATIVE} alone; got '{text}'. "
            f"Registered: {', '.join(INTRA_NEGATIVES.names())}."
        )
    for name in names:
        INTRA_NEGATIVES.get(name)
    return kinds


def options_by_name(kinds: Sequence[Sequence[str]], options: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The options of every name: all of them for a single one, of several those that stand under it.

    Raises:
        InputError: something else stands there.
    """
    names = list(itertools.chain(*kinds))
    if len(names) == 1:
        return {names[0]: options}
    for name, given in options.items():
        if names and not (name in names and isinstance(given, Mapping)):
            raise InputError(
                "INTRA_NEGATIVE_OPTIONS: with several intra-negatives, options stand under the name of theirs, such as "
                f"{{{names[-1]}: {{...}}}}; names are {', '.join(dict.fromkeys(names))}, got {name}: {given!r}."
            )
    return {name: options.get(name, {}) for name in names}
