"""Finding the videos of a list on the disk, where they may be called a little differently."""

from __future__ import annotations

import functools
import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from iic_ptv.data.collections.entries import entries_of
from iic_ptv.data.index import without_extension


class Listing:
    """The names in a folder, read once: asking for each of 100,000 files takes far longer than reading their names.

    Args:
        path: the folder.

    Raises:
        InputError: it cannot be read.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with entries_of(path) as entries:
            # A link may lead nowhere; of other entries nothing but the name has to be looked up.
            self.names = {entry.name for entry in entries if not entry.is_symlink() or os.path.exists(entry.path)}

    def find(self, name: str) -> str | None:
        """Path of the file or folder of that name.

        If there is none: of the only one whose name differs in case; or in a video's extension, as transcoded files
        and folders of frames do; or in both.
        """
        if name in self.names:
            return os.path.join(self.path, name)
        alike = self._by_stem.get(_stem(name), [])
        aspects: list[Callable[[str], str]] = [str.casefold, without_extension, _stem]
        for aspect in aspects:
            matches = [other for other in alike if aspect(other) == aspect(name)]
            if matches:
                return os.path.join(self.path, matches[0]) if len(matches) == 1 else None
        return None

    @functools.cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        names = defaultdict(list)
        for name in self.names:
            names[_stem(name)].append(name)
        return names


class VideoFinder:
    """Finds videos below a folder by the paths that a list gives them.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listings: dict[str, Listing | None] = {}

    def find(self, listed: str) -> str | None:
        """Path of a video that is listed as ``listed``, relative to the root; None if it is not there.

        Case and extension may differ, see :meth:`Listing.find`, and the case of the folders on the way may.
        """
        folder, name = os.path.split(listed)
        listing = self.listing(folder)
        return listing.find(name) if listing else None

    def find_or_in_root(self, listed: str) -> str | None:
        """As :meth:`find`; if it is not there, directly in the root, as releases differ in having class folders."""
        return self.find(listed) or self.find(os.path.basename(listed))

    def listing(self, folder: str) -> Listing | None:
        """The folder of that path relative to the root; None if there is none."""
        if folder not in self._listings:
            self._listings[folder] = self._open(folder)
        return self._listings[folder]

    def _open(self, folder: str) -> Listing | None:
        path = str(self._root / folder)
        if os.path.isdir(path):
            return Listing(path)
        found = self.find(folder)
        return Listing(found) if found and os.path.isdir(found) else None


def _stem(name: str) -> str:
    return without_extension(name).casefold()
