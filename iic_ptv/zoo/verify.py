"""Whether the files of the zoo that are on this machine are what they should be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from iic_ptv.zoo.download import PART
from iic_ptv.zoo.fetch import cached_path, shipped_path
from iic_ptv.zoo.record import PublishedFile, Record
from iic_ptv.zoo.weights_file import sha256_of

SHIPPED, CACHED, ABSENT, DAMAGED, PARTIAL = "shipped", "cached", "absent", "damaged", "partial"


@dataclass(frozen=True)
class Verdict:
    """What was found out about a file.

    Attributes:
        name: of the checkpoint.
        file: name of the file.
        path: where it is; of one that is not here, where it would be kept.
        state: ``shipped`` or ``cached``: it is in order, and came with the package or is in the cache; ``absent``: it
            is not here, which is no fault; ``damaged``; or ``partial``, the remains of an interrupted download.
        message: the same in words, and what to do about it.
    """

    name: str
    file: str
    path: Path
    state: str
    message: str


def verify(records: Iterable[Record], zoo: Path | None = None) -> list[Verdict]:
    """Check size and hash of every file of the checkpoints, both of what came with the package and of the cache.

    Nothing is downloaded, changed or deleted.

    Args:
        records: the checkpoints.
        zoo: the ``model_zoo`` that they come with; by default our own.

    Returns:
        A verdict on every copy of a file that is here, on the remains of interrupted downloads, and on files that are
        not here at all.
    """
    return [
        verdict for record in records for published in record.files for verdict in _verdicts(record, published, zoo)
    ]


def _verdicts(record: Record, published: PublishedFile, zoo: Path | None) -> Iterator[Verdict]:
    shipped, cached = shipped_path(published, zoo), cached_path(published)
    for path, state, remedy in (
        (shipped, SHIPPED, "install the package again"),
        (cached, CACHED, "delete it; it is fetched again when it is needed"),
    ):
        if path.exists():
            fault = _fault(path, published)
            message = f"{fault}: {remedy}" if fault else f"{state}, {published.bytes:,} bytes"
            yield Verdict(record.name, published.file, path, DAMAGED if fault else state, message)
    part = cached.with_name(f"{cached.name}{PART}")
    if part.exists():
        message = (
            f"{part.stat().st_size:,} of {published.bytes:,} bytes of an interrupted download, which goes on when the "
            "file is needed; it can be deleted"
        )
        yield Verdict(record.name, published.file, part, PARTIAL, message)
    elif not shipped.exists() and not cached.exists():
        origin = f"downloaded from {published.url}" if published.url else "made of the checkpoint's other file"
        yield Verdict(record.name, published.file, cached, ABSENT, f"not here; {origin} when it is needed")


def _fault(path: Path, published: PublishedFile) -> str:
    """What is wrong with a file; empty if nothing is."""
    try:
        size = path.stat().st_size
        if size != published.bytes:
            return f"it has {size:,} bytes instead of {published.bytes:,}"
        found = sha256_of(path)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    return "" if found == published.sha256 else f"its SHA-256 is {found} instead of {published.sha256}"
