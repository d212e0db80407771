"""The report of a run: one HTML page that needs nothing but itself.

Figures, film strips, style and all are in the file; it follows the reader's light or dark mode, and runs no script.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from iic_ptv.errors import InputError
from iic_ptv.evaluation.sections import Section
from iic_ptv.files.atomic import atomic_write

# Style-sheet classes. The networks of the paper keep their colour from report to report, others take the free ones.
NETWORK_COLOURS = {"untrained": "grey", "cmc": "blue", "iic": "orange"}
FREE_COLOURS = ("purple", "green", "sky", "brown", "pink", "blue", "orange")


@dataclass(frozen=True, eq=False)
class Report:
    """All that a report says.

    Attributes:
        title: the heading.
        summary: what was done and what came out, in a sentence or two.
        sections: figures, tables and galleries, in the order of the page.
        config_text: the configuration of the run.
        versions: version by package or tool.
        command: how to reproduce the run.
    """

    title: str
    summary: str
    sections: Sequence[Section]
    config_text: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""


def write_report(path: Path, report: Report) -> None:
    """Write ``report`` as a self-contained HTML page; an old page stays until the new one is whole.

    Args:
        path: the file to write; its folder is made if need be.
        report: what to say.

    Raises:
        InputError: there is no section, a clip is no RGB clip, or the file cannot be written.

    Example:
        >>> tiles = Tiles([Tile("top-1", "62.5", unit="%")])  # doctest: +SKIP
        >>> write_report(Path("report.html"), Report("Retrieval", "One network.", [tiles]))  # doctest: +SKIP
    """
    if not report.sections:
        raise InputError("report.sections is empty: a report needs something to say.")
    page = _environment().get_template("report.html.j2")
    html = page.render(
        report=report,
        styles=dict.fromkeys(section.name for section in report.sections),
        groups=[(figures, list(group)) for figures, group in groupby(report.sections, lambda each: each.is_figure)],
        colours=_Colours(),
    )
    try:
        with atomic_write(path) as temporary:
            temporary.write_text(html, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: the page cannot be written there ({error.strerror}).") from error


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("iic_ptv.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda fraction: f"{100 * fraction:.1f}"
    return environment


class _Colours(dict[str, str]):
    """The colour of every network by its label, the same in all sections of a page; others get one when asked for."""

    def __missing__(self, label: str) -> str:
        known = NETWORK_COLOURS.get(label.lower())
        taken = sum(name.lower() not in NETWORK_COLOURS for name in self)
        self[label] = known or FREE_COLOURS[taken % len(FREE_COLOURS)]
        return self[label]
