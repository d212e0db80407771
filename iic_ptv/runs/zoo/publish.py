"""Publishing: from a run folder to weights, a record of them, and the pages that show it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from iic_ptv.errors import InputError
from iic_ptv.files.together import write_together
from iic_ptv.runs.zoo.recorded import in_float16, name_of, read_run, record_of, weights_of
from iic_ptv.runs.zoo.request import Request
from iic_ptv.runs.zoo.run_files import compact_log
from iic_ptv.zoo.catalogue import RECORDS, WEIGHTS, catalogue_folder, record_text, records
from iic_ptv.zoo.loading import same_weights
from iic_ptv.zoo.record import Record
from iic_ptv.zoo.tables import page_texts
from iic_ptv.zoo.weights_file import WeightsFile, read_weights, write_weights

PTH, SAFETENSORS = ".pth", ".safetensors"  # the first is read by torch alone, and comes with the package


@dataclass(frozen=True)
class Published:
    """What came of it.

    Attributes:
        record: the record.
        files: what was written, the weights first.
    """

    record: Record
    files: list[Path]


def publish(request: Request) -> Published:
    """Publish the checkpoint of a run: all files are written, or none.

    The same request gives the same files. Figures that are measured later are added by publishing again,
    which keeps the earlier ones, and whether it is the default.

    Raises:
        InputError: the run has not ended or is of another kind, its weights cannot be published, a run of
            ``request.metrics`` is about others, the name is taken by other weights, or a file cannot be written.
    """
    zoo = Path(request.zoo) if request.zoo else catalogue_folder()
    known, run = records(zoo), read_run(request)
    name = name_of(run, request.tag)
    weights = in_float16(weights_of(run))
    with tempfile.TemporaryDirectory() as folder:
        written = [write_weights(folder, name, weights, suffix) for suffix in (PTH, SAFETENSORS)]
        record = record_of(run, name, request, weights, written)
        if name in known and known[name].files != record.files:
            _check_same(zoo, known[name], weights)
            record, written = replace(record, files=known[name].files), []
        if name in known:
            record = _with_what_was(record, known[name])
        kept = [path for path in written if request.keep_safetensors or path.suffix == PTH]
        files = {zoo / WEIGHTS / path.name: path.read_bytes() for path in kept}
    files[zoo / RECORDS / record.config] = weights.config.encode()
    files[zoo / RECORDS / record.log] = compact_log(run.checkpoint.run_folder).encode()
    files |= _catalogue(zoo, known, record)
    try:
        write_together(files)
    except OSError as error:
        raise InputError(f"--zoo: {zoo} cannot be written to ({error.strerror}); nothing was published.") from error
    return Published(record, list(files))


def _check_same(zoo: Path, old: Record, weights: WeightsFile) -> None:
    """Make sure that weights of the same name are the same, though other versions may have written another file.

    Raises:
        InputError: they are not: a name means the same weights for ever.
    """
    shipped = [path for path in (zoo / WEIGHTS / each.file for each in old.files) if path.exists()]
    if not shipped or not same_weights(read_weights(shipped[0]), weights):
        raise InputError(
            f"--tag: {zoo} has other weights of the name {old.name}; choose another tag. No name is used twice, as "
            "others may rely on what they have downloaded."
        )


def _with_what_was(record: Record, old: Record) -> Record:
    """The record with the figures of an earlier one that were not measured anew; a default stays one."""
    figures = {(each.name, each.data, each.protocol): each for each in (*old.metrics, *record.metrics)}
    return replace(record, metrics=tuple(figures.values()), default=record.default or old.default)


def _catalogue(zoo: Path, known: Mapping[str, Record], record: Record) -> dict[Path, bytes]:
    """The records that change, and the pages that show them."""
    changed = {record.name: record}
    for other in known.values() if record.default else ():
        if other.default and other.network.architecture == record.network.architecture and other.name != record.name:
            changed[other.name] = replace(other, default=False)
    files = {zoo / RECORDS / f"{each.name}.json": record_text(each).encode() for each in changed.values()}
    return files | {path: text.encode() for path, text in page_texts(zoo, {**known, **changed}).items()}
