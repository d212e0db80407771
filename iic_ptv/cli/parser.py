"""A parser that takes ``KEY VALUE`` pairs, and the names of runs, wherever they stand."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

LISTS = ("overrides", "runs")  # what takes up the words that argparse leaves over


class Parser(argparse.ArgumentParser):
    """An argument parser; those of its sub-commands are of this kind, too.

    argparse gives a list of positional arguments what stands before the next option, and objects to the rest: to the
    last two words of ``iic index FOLDER -o my.index DATA.STRIDE 2``.
    """

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As in argparse; what is left over and is no option is added to ``overrides``, or to ``runs``."""
        parsed, rest = super().parse_known_args(args, namespace)
        name = next((name for name in LISTS if hasattr(parsed, name)), None)
        if name is not None and not any(word.startswith("-") for word in rest):
            setattr(parsed, name, [*getattr(parsed, name), *rest])
            rest = []
        return parsed, rest
