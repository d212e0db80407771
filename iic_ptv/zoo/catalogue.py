"""The catalogue: the records of all checkpoints that we know of, ours and those of others.

``model_zoo/`` holds ``records/NAME.json``, one for each, with the configuration and the log of its run beside it, and
``weights/``, the files that come with the package.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from pathlib import Path

from iic_ptv.errors import InputError
from iic_ptv.files.structured import StructureError, from_json, to_json
from iic_ptv.zoo.record import Record

FOLDER, RECORDS, WEIGHTS = "model_zoo", "records", "weights"
PACKAGE = Path(__file__).parents[1]


def catalogue_folder() -> Path:
    """The ``model_zoo`` of an installed package, which lies inside it, or of a checkout, beside it."""
    inside = PACKAGE / FOLDER
    return inside if inside.is_dir() else PACKAGE.parent / FOLDER


def records(folder: str | Path | None = None) -> dict[str, Record]:
    """All records by name, in the order of names.

    Args:
        folder: the ``model_zoo`` to read; by default our own.

    Raises:
        InputError: a record is broken; the message names the file and the field.

    Example:
        >>> from iic_ptv.zoo.catalogue import records
        >>> all(name == record.name for name, record in records().items())
        True
    """
    paths = sorted(((Path(folder) if folder else catalogue_folder()) / RECORDS).glob("*.json"))
    return {record.name: record for record in map(read_record, paths)}


def read_record(path: Path) -> Record:
    """The record in a file.

    Raises:
        InputError: as :func:`records`.
    """
    try:
        record = from_json(Record, json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{path}: this record cannot be read ({error.strerror}).") from error
    except StructureError as error:
        raise InputError(f"{path}: this record is broken: {error}.") from error
    except ValueError as error:
        raise InputError(f"{path}: this record is not JSON ({error}).") from error
    if record.name != path.stem:
        raise InputError(f"{path}: this record is broken: name: expected {path.stem}, as the file; got {record.name}.")
    return record


def record_text(record: Record) -> str:
    """What :func:`read_record` reads."""
    return json.dumps(to_json(record), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def find_record(name: str, folder: str | Path | None = None) -> Record:
    """The record of a checkpoint.

    Args:
        name: ``architecture.tag``.
        folder: as for :func:`records`.

    Raises:
        InputError: there is none of that name; the message lists near ones, and all.
    """
    known = records(folder)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise InputError(f"the zoo has no checkpoint '{name}'.{hint} It has: {', '.join(known) or 'none yet'}.")
    return known[name]


def default_record(architecture: str, folder: str | Path | None = None) -> Record:
    """The checkpoint that ``pretrained=True`` means.

    Args:
        architecture: name in the registry BACKBONES.
        folder: as for :func:`records`.

    Raises:
        InputError: there is none; the message lists what there is.
    """
    known = records(folder).values()
    found = [record for record in known if record.default and record.network.architecture == architecture]
    if found:
        return found[0]
    own = [record for record in known if record.network.architecture == architecture]
    others = [record for record in known if record.network.architecture != architecture and record.files]
    raise InputError(
        f"the zoo has no default checkpoint for '{architecture}'. For it, there is: {_names(own)}; "
        f"for other networks: {_names(others)}."
    )


def _names(found: Iterable[Record]) -> str:
    """Names, with what there is to do for those that others publish."""
    return (
        ", ".join(each.name if each.files else f"{each.name} (to be converted: {each.published})" for each in found)
        or "nothing"
    )
