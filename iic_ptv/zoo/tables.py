"""The pages that show the zoo, written from its records: MODEL_ZOO.md and a table of the README.

``iic zoo publish`` writes both. After a record was changed by hand:

    python -m iic_ptv.zoo.tables
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from iic_ptv.files.atomic import atomic_write
from iic_ptv.marked_text import with_marked_text
from iic_ptv.zoo.catalogue import RECORDS, WEIGHTS, catalogue_folder, records
from iic_ptv.zoo.figure_tables import FigureTable, figure_tables, headlines
from iic_ptv.zoo.record import Pretraining, Record

PAGE, README = "MODEL_ZOO.md", "README.md"
NO_INTRA_NEGATIVE = "none"
INTRODUCTION = f"""# The model zoo

Checkpoints, each with all that one should know before trusting it. Written from the files in
[`{RECORDS}`]({RECORDS}) by `iic zoo publish`; changes by hand are lost.

*Measured* figures are of whoever published the weights here, on the data named beside them, before rounding to
float16; in brackets is what the same network reached before training. *Reported* figures are others', and were not
measured here. Files that are not in `{WEIGHTS}` are made of those that are by
`iic zoo download NAME --format safetensors`."""


def page_texts(zoo: Path, known: Mapping[str, Record]) -> dict[Path, str]:
    """What the pages of a ``model_zoo`` should say: its own, and of our own, if it is a checkout's, the README."""
    texts = {zoo / PAGE: model_zoo_page(known.values())}
    readme = zoo.parent / README
    if zoo.resolve() == catalogue_folder().resolve() and readme.is_file():
        texts[readme] = with_table(readme.read_text(encoding="utf-8"), readme_table(known.values()))
    return texts


def with_table(text: str, table: str) -> str:
    """A document with the table between ``<!-- zoo -->`` and ``<!-- end -->``; as it is, if it has no such place."""
    return with_marked_text(text, "zoo", table)


def model_zoo_page(known: Iterable[Record]) -> str:
    """MODEL_ZOO.md: our checkpoints, those of others, and all details."""
    found = list(known)
    ours, others = [each for each in found if each.files], [each for each in found if not each.files]
    parts = [INTRODUCTION, "## Ours", _ours(ours) if ours else "None yet."]
    if others:
        parts += [
            "## Of others",
            "Their files are not distributed here; each is downloaded where it is published and converted by the "
            "command beside it.",
            _others(others),
        ]
    parts += ["## Details", *(_details(each) for each in (*ours, *others))]
    return "\n\n".join(parts) + "\n"


def readme_table(known: Iterable[Record]) -> str:
    """A short table of our checkpoints."""
    rows = [
        (
            f"`{each.name}`{' (default)' if each.default else ''}",
            _millions(each.parameters),
            each.pretraining.data,
            "<br>".join(headlines(each)) or "not measured",
            file_size(each.files[0].bytes),
        )
        for each in known
        if each.files
    ]
    return (
        _table(("checkpoint", "parameters", "pre-trained on", "measured: top-1 (untrained), %", "file"), rows)
        if rows
        else "None yet."
    )


def _ours(found: Sequence[Record]) -> str:
    head = ("checkpoint", "data", "measured: top-1 (untrained), %", "file", "size", "SHA-256")
    rows = [
        (
            f"[`{each.name}`](#{_anchor(each.name)}){' (default)' if each.default else ''}",
            each.pretraining.data,
            "<br>".join(headlines(each)) or "not measured",
            f"[`{file.file}`]({file.url or f'{WEIGHTS}/{file.file}'})",
            file_size(file.bytes),
            f"`{file.sha256[:16]}…`",
        )
        for each in found
        for file in each.files[:1]
    ]
    return _table(head, rows)


def _others(found: Sequence[Record]) -> str:
    head = ("checkpoint", "data", "reported: top-1, %", "published", "how to convert")
    rows = [
        (
            f"[`{each.name}`](#{_anchor(each.name)})",
            each.pretraining.data,
            "<br>".join(headlines(each)),
            f"[there]({each.published})",
            f"`{each.how_to_convert}`",
        )
        for each in found
    ]
    return _table(head, rows)


def facts(record: Record) -> dict[str, str]:
    """What there is to know of a checkpoint beside its files and figures, in words, by what it is about."""
    network, clip, training = record.network, record.network.clip, record.pretraining
    options = ", ".join(f"{name} {value}" for name, value in network.options.items())
    several = f"; {network.num_networks} of them, one for each view" if network.num_networks > 1 else ""
    said = {
        "network": f"{network.architecture}{f' ({options})' if options else ''}, "
        f"{_millions(record.parameters)} parameters, {record.gflops:g} GFLOPs a clip{several}",
        "views": ", ".join(network.views),
        "clip": f"{clip.length} frames, stride {clip.stride}"
        + (f", at {clip.frame_rate:g} frames per second" if clip.frame_rate else "")
        + f"; frames of {clip.frame_size[0]} x {clip.frame_size[1]}, crop {clip.crop}, "
        + ("normalised" if clip.normalized else "in [0, 1]"),
        "classes": _listed(network.class_names),
        "method": training.method
        + (f", intra-negative {training.intra_negative}" if training.intra_negative != NO_INTRA_NEGATIVE else ""),
        "data": f"{training.data} (licence: {training.data_licence}); {_counted(training.videos, 'video')}, "
        f"{_counted(training.epochs, 'epoch')}",
        "run": _run(training),
        "float16": _rounding(record),
        "licence of the weights": record.licence,
        "published": record.published,
        "how to convert": record.how_to_convert,
    }
    return {about: text for about, text in said.items() if text}


def _rounding(record: Record) -> str:
    if record.pinned_clip is None or not record.pinned_clip.rounding:
        return ""
    return f"moves the features of a rendered clip by {100 * record.pinned_clip.rounding:.2g} % of their norm"


def _run(training: Pretraining) -> str:
    said = (
        "" if training.seed is None else f"seed {training.seed}",
        training.commit and f"commit {training.commit}",
        training.hardware,
        "" if training.hours is None else f"{training.hours:g} hours",
    )
    return ", ".join(filter(None, said))


def _details(record: Record) -> str:
    lines = [f"- {about}: {text}" for about, text in facts(record).items()]
    beside = {"configuration": record.config, "log": record.log}
    lines += [f"- {what}: [`{file}`]({RECORDS}/{file})" for what, file in beside.items() if file]
    parts = [f"### {record.name}", record.title, "\n".join(lines)]
    if record.files:
        parts.append(_files(record))
    return "\n\n".join([*parts, *map(_figures, figure_tables(record))])


def _files(record: Record) -> str:
    rows = [(f"`{file.file}`", f"{file.bytes:,}", file.dtype, f"`{file.sha256}`") for file in record.files]
    return _table(("file", "bytes", "numbers", "SHA-256"), rows)


def _figures(table: FigureTable) -> str:
    rows = [(name, *cells, how) for name, how, cells in table.rows]
    title = f"**{table.data[:1].upper()}{table.data[1:]}**, {table.source}"
    return f"{title}\n\n{_table(('%', *table.views, 'protocol'), rows)}"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _listed(names: Sequence[str], most: int = 20) -> str:
    return f"{', '.join(names[:most])}{f' and {len(names) - most} more' if len(names) > most else ''}"


def _millions(number: int) -> str:
    return f"{number / 1e6:.1f} M"


def file_size(number: int) -> str:
    """Bytes in words."""
    return f"{number / 1e6:.1f} MB"


def _anchor(name: str) -> str:
    """What GitHub calls a heading."""
    return name.replace(".", "")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [
        head,
        ["---"] * len(head),
        *([cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> None:
    """Write the pages of our own zoo anew."""
    zoo = catalogue_folder()
    for path, text in page_texts(zoo, records(zoo)).items():
        with atomic_write(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
