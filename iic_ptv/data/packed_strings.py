"""Many strings in two pieces of memory."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Sequence
from typing import overload


class PackedStrings(Sequence[str]):
    """Strings, stored end to end: their bytes, and where each of them ends.

    A list keeps an object for every string, with a counter of its uses; reading the list in a forked process writes to
    these counters, and the system then copies the memory that the processes shared. Here nothing is written.

    Args:
        strings: what to begin with; :meth:`append` adds more. File names that are not UTF-8 come out as they went in.

    Example:
        >>> list(PackedStrings(["a.mp4", "b.mp4"]))
        ['a.mp4', 'b.mp4']
    """

    def __init__(self, strings: Iterable[str] = ()) -> None:
        self._bytes = bytearray()
        self._ends = array("q", [0])
        for string in strings:
            self.append(string)

    def append(self, string: str) -> None:
        """Add a string at the end."""
        self._bytes += os.fsencode(string)
        self._ends.append(len(self._bytes))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        rows = range(len(self))[row]
        if isinstance(rows, range):
            return [self[number] for number in rows]
        return os.fsdecode(bytes(self._bytes[self._ends[rows] : self._ends[rows + 1]]))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PackedStrings):
            return NotImplemented
        return self._ends == other._ends and self._bytes == other._bytes
