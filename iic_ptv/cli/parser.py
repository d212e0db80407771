"""A parser that takes ``KEY VALUE`` pairs wherever they stand."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any


class Parser(argparse.ArgumentParser):
    """An argument parser; those of its sub-commands are of this kind, too.

    argparse gives a list of positional arguments what stands before the next option, and objects to the rest: to the
    last two words of ``iic index FOLDER -o my.index DATA.STRIDE 2``.
    """

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As in argparse; what is left over and is no option is added to ``overrides``, where there are such."""
        parsed, rest = super().parse_known_args(args, namespace)
        if hasattr(parsed, "overrides") and not any(word.startswith("-") for word in rest):
            parsed.overrides, rest = [*parsed.overrides, *rest], []
        return parsed, rest
