"""Downloads that can be trusted: whole, checked, and fetched once however many processes ask for them."""

from __future__ import annotations

import errno
import logging
from pathlib import Path

from filelock import FileLock

from iic_ptv.errors import InputError
from iic_ptv.zoo.transfer import TransferError, forget, transfer
from iic_ptv.zoo.weights_file import hash_in_name, sha256_of

logger = logging.getLogger(__name__)

PART = ".part"  # follows the name of a file while it is fetched
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def download(url: str, path: str | Path, sha256: str = "", progress: bool = True) -> Path:
    """The file at a URL, in ``path``; one that is there and in order is not fetched again.

    What an interrupted download left beside ``path`` is gone on with where the server allows it. A second process that
    asks for the same file waits for the first. Whoever finds a file at ``path`` finds all of it.

    Args:
        url: where it can be had; ``http``, ``https``, ``ftp`` or ``file``.
        path: where it goes; missing folders are made.
        sha256: its hash, or the first digits of it. By default those at the end of its name, ``NAME-1a2b3c4d.pth``;
            without either, it cannot be checked, and a warning says so.
        progress: whether to show a bar.

    Returns:
        ``path``.

    Raises:
        InputError: it cannot be had or written, or is not what it should be.

    Example:
        >>> download("https://example.org/r3d-1a2b3c4d.pth", "weights/r3d-1a2b3c4d.pth")  # doctest: +SKIP
    """
    path = Path(path)
    expected = sha256.lower() or hash_in_name(path)
    if path.is_dir():
        raise InputError(f"{path}: this is a folder; name the file to download to.")
    try:
        if has_hash(path, expected):
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock")):
            if not has_hash(path, expected):  # another process may have fetched it meanwhile
                _fetch(url, path, expected, progress)
    except TransferError as error:
        raise InputError(f"{url}: {error}. {_by_hand(path, expected)}") from error
    except OSError as error:
        raise cannot_write(path, error) from error
    return path


def has_hash(path: Path, sha256: str) -> bool:
    """Whether a file is there, and is the one whose hash, or the first digits of it, are given, if they are.

    Raises:
        OSError: it cannot be read.
    """
    return path.is_file() and (not sha256 or sha256_of(path).startswith(sha256))


def cannot_write(path: Path, error: OSError) -> InputError:
    """What to say of a file that cannot be written to the cache."""
    reason = f"{error.strerror}: {error.filename}" if error.filename else error.strerror or str(error)
    return InputError(
        f"{path}: cannot be written ({reason}). Files are kept below the folder that TORCH_HOME or "
        "torch.hub.set_dir() names; name one there with room that you may write to."
    )


def _fetch(url: str, path: Path, expected: str, progress: bool) -> None:
    if path.exists():
        logger.warning("%s is damaged, as its SHA-256 is not %s...; it is fetched again.", path, expected[:8])
    part = path.with_name(f"{path.name}{PART}")
    try:
        transfer(url, part, progress)
    except OSError as error:
        if error.errno in FULL:
            forget(part)
        raise
    if not expected:
        logger.warning(
            "%s: it could not be checked, as no hash of it is known; only use it if you trust its source.", url
        )
    elif (found := sha256_of(part))[: len(expected)] != expected:
        forget(part)
        raise InputError(
            f"{url}: what came is not the file that was expected, and was deleted: its SHA-256 is {found} instead of "
            f"{expected}{'' if len(expected) == len(found) else '...'}. If it is so again, the file was replaced "
            f"there, or something on the way answers in its place. {_by_hand(path, expected)}"
        )
    part.replace(path)


def _by_hand(path: Path, expected: str) -> str:
    checked = f", with the SHA-256 {expected}," if expected else ""
    return f"A file{checked} that you bring to {path} by other means is taken as well."
