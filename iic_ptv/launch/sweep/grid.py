"""From a grid to its members: every combination of values, and what it is called."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from iic_ptv.errors import InputError

LONGEST_NAME = 100  # characters; what is longer is cut, and told from others by a hash
SEED, SPLIT = "SEED", "DATA.SPLIT"
ROW = "row"  # varies like an option where a sweep has rows


def members_of(grid: Mapping[str, list[Any]]) -> dict[str, dict[str, Any]]:
    """The options that vary of every member, by its name; the last option of the grid changes fastest.

    Args:
        grid: the values of every option that varies.

    Raises:
        InputError: two members would be called alike.

    Example:
        >>> list(members_of({"MODEL.BACKBONE": ["r3d", "c3d"], "VIEWS": [["rgb", "residual"]], "SEED": [0, 1]}))
        ['r3d-rgb+residual-seed0', 'r3d-rgb+residual-seed1', 'c3d-rgb+residual-seed0', 'c3d-rgb+residual-seed1']
    """
    combinations = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    names = [_name_of(combination) for combination in combinations]
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise InputError(f"grid: {times} members would be called {name}; name every value once.")
    return dict(zip(names, combinations, strict=True))


def shown(value: Any) -> str:
    """A value as a person writes it: ``rgb+residual``."""
    if isinstance(value, list):
        return "+".join(map(shown, value))
    return value if isinstance(value, str) else json.dumps(value)


def overrides_of(options: Mapping[str, Any]) -> list[str]:
    """Options as the ``KEY VALUE`` pairs of a command line."""
    texts = (value if isinstance(value, str) else json.dumps(value) for value in options.values())
    return [word for pair in zip(options, texts, strict=True) for word in pair]


def _name_of(options: Mapping[str, Any]) -> str:
    name = "-".join(_part(option, value) for option, value in options.items())
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - len(digest) - 1]}-{digest}"


def _part(option: str, value: Any) -> str:
    """Texts speak for themselves; what else there is needs to be told what it is of."""
    is_text = isinstance(value[0] if isinstance(value, list) and value else value, str)
    text = shown(value) if is_text else f"{option.rsplit('.', 1)[-1].lower()}{shown(value)}"
    return re.sub(r"[^\w.+=-]", "_", text)
