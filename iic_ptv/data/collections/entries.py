"""What is in a folder, or an error that names the folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iic_ptv.data.list_files import PathLike
from iic_ptv.errors import InputError


@contextmanager
def entries_of(folder: str) -> Iterator[Iterator[os.DirEntry[str]]]:
    """The files and sub-folders, in no particular order.

    Raises:
        InputError: the folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            yield entries
    except OSError as error:
        report = f"The folder '{folder}' cannot be read: {error.strerror}."
        raise InputError(f"{report} Make it readable, or move it out of the collection.") from error


def existing_folder(root: PathLike, content: str) -> Path:
    """The absolute path of a folder.

    Raises:
        InputError: there is none; the message says what it should hold.
    """
    if not Path(root).is_dir():
        raise InputError(f"There is no folder '{root}'; it should hold {content}.")
    return Path(root).absolute()
