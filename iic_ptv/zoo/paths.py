"""Files by name, wherever they are: in a folder, on the web, in S3, or in the zoo.

Whatever names a checkpoint or a configuration may name one in any of these ways. Only those that are not plain paths
need iopath.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from iic_ptv.errors import InputError

if TYPE_CHECKING:
    from iopath.common.file_io import PathManager

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
ZOO = "iic"
SCHEMES = ("http", "https", "file", "s3", ZOO)
CONFIG, LOG = "config.yaml", "log.csv"  # what every checkpoint of the zoo may call those of its run


def scheme_of(name: str | Path) -> str:
    """What stands before ``://``, in lower case; empty for a plain path."""
    found = SCHEME.match(str(name))
    return found[1].lower() if found else ""


def local_path(name: str | Path) -> Path:
    """Where a file is on this machine; it is downloaded if it is not here yet.

    Args:
        name: a path; ``https://...`` or ``http://...``, which is kept in the cache; ``file://...``; ``s3://...``, which
            needs boto3; ``iic://NAME``, a checkpoint of the zoo; or ``iic://NAME/FILE``, another of its files, such as
            ``config.yaml`` or ``log.csv``. What is given as a :class:`~pathlib.Path` is always a path.

    Returns:
        The path; of a plain one, nobody looks whether it exists.

    Raises:
        InputError: the file cannot be had.

    Example:
        >>> local_path("runs/last.ckpt")
        PosixPath('runs/last.ckpt')
        >>> local_path("iic://r3d.iic_procedural/config.yaml")  # doctest: +SKIP
    """
    scheme = scheme_of(name)
    if not scheme:
        return Path(name)
    if scheme not in SCHEMES:
        raise InputError(f"{name}: {scheme}:// is not known; {', '.join(f'{each}://' for each in SCHEMES)} are.")
    return Path(path_manager().get_local_path(f"{scheme}{str(name)[len(scheme) :]}"))


@cache
def path_manager() -> PathManager:
    """The PathManager of this package, with what :func:`local_path` knows; the global one of iopath stays as it is.

    Example:
        >>> with path_manager().open("iic://r3d.iic_procedural/log.csv") as file:  # doctest: +SKIP
        ...     rows = list(csv.DictReader(file))
    """
    from iopath.common.file_io import PathManager

    from iic_ptv.zoo.path_handlers import FileHandler, S3Handler, WebHandler, ZooHandler

    manager = PathManager()
    manager.set_logging(False)
    for handler in (FileHandler, WebHandler, S3Handler, ZooHandler):
        manager.register_handler(handler())
    return manager
