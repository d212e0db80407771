"""Values of a sweep file, read strictly by their kinds."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from iic_ptv.errors import InputError


class Said:
    """Values of the kinds that are expected, by their keys.

    Args:
        path: the file.
        content: what it says, or a part of that.
        place: where in it, for messages.

    Raises:
        InputError: the part is not one of keys with values; likewise what reads from it, where a value is of another
            kind.
    """

    def __init__(self, path: Path, content: Any, place: str = "") -> None:
        self.path = path
        self.place = place
        if not isinstance(content, dict):
            raise self._unexpected(place.removesuffix(": "), "keys with values", content)
        self.content: dict[str, Any] = content

    def mapping(self, key: str) -> dict[str, Any]:
        """Keys with values; none if it is left out."""
        value = self.content.get(key)
        if value is not None and not isinstance(value, dict):
            raise self._unexpected(self.place + key, "keys with values", value)
        return value or {}

    def text(self, key: str) -> str | None:
        """One name."""
        value = self.content.get(key)
        if isinstance(value, dict | list):
            raise self._unexpected(self.place + key, "one name", value)
        return None if value is None else str(value)

    def texts(self, key: str) -> list[str]:
        """One name or a list of them."""
        value = self.content.get(key)
        values = [] if value is None else value if isinstance(value, list) else [value]
        if any(isinstance(each, dict | list) for each in values):
            raise self._unexpected(self.place + key, "a name or a list of names", value)
        return [str(each) for each in values]

    def number(self, key: str, default: Any, least: int) -> Any:
        """A whole number."""
        value = self.content.get(key, default)
        if value is not default and (type(value) is not int or value < least):
            raise self._unexpected(self.place + key, f"a number of at least {least}", value)
        return value

    def share(self, key: str) -> float:
        """A number in percent, as a share in [0, 1]."""
        value = self.content[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
            raise self._unexpected(self.place + key, "a number in percent, from 0 to 100", value)
        return round(value / 100, 6)

    def truth(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self.content.get(key, default)
        if not isinstance(value, bool):
            raise self._unexpected(self.place + key, "true or false", value)
        return value

    def beside(self, key: str) -> str | None:
        """A file that is named as seen from the sweep file."""
        name = self.text(key)
        return name if name is None or "://" in name else str(self.path.parent / name)

    def check_keys(self, known: Collection[str]) -> None:
        """Make sure that there are no keys but some.

        Raises:
            InputError: there is another one; the message names a near one that is known.
        """
        check_known(self.content, known, f"{self.path}: {self.place}", "key")

    def _unexpected(self, place: str, expected: str, value: Any) -> InputError:
        return InputError(f"{self.path}: {place}: expected {expected}, got {value!r}.")


def check_known(names: Collection[str] | Mapping[str, Any], known: Collection[str], place: str, what: str) -> None:
    """Make sure that names are known.

    Args:
        names: what is named.
        known: what there is.
        place: what the message begins with.
        what: what it is a name of.

    Raises:
        InputError: one is not.
    """
    if unknown := next((name for name in names if name not in known), None):
        raise InputError(
            f"{place}{unknown}: there is no such {what}.{near(unknown, known)} There are {', '.join(known)}."
        )


def near(name: Any, known: Collection[str]) -> str:
    """What might have been meant, as a sentence."""
    found = difflib.get_close_matches(str(name), known, n=1)
    return f" Did you mean {found[0]}?" if found else ""
