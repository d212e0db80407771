"""The report of a run: one HTML page that needs nothing but itself.

Figures, film strips, style and all are in the file; it follows the reader's light or dark mode, and runs no script.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.evaluation.charts import LineChart, line_chart
from iic_ptv.evaluation.curves import Curve
from iic_ptv.evaluation.sprites import film_strip_sprite

# Style-sheet classes. The networks of the paper keep their colour from report to report, others take the free ones.
COLOURS = {"random": "grey", "cmc": "blue", "iic": "orange"}
FREE_COLOURS = ("purple", "green", "sky", "brown")


@dataclass(frozen=True)
class NetworkResult:
    """What one network came to.

    Attributes:
        name: its key in the run's metrics, e.g. "random" (untrained), "cmc", "iic"; sets the colour.
        label: its name in the figures, e.g. "Untrained".
        retrieval: top-k retrieval accuracy in [0, 1] for every k, as ``retrieval_accuracy`` returns it.
        curves: training curves by title with unit, e.g. "Loss (nats)"; curves of the same title share a chart.
    """

    name: str
    label: str
    retrieval: Mapping[int, float]
    curves: Mapping[str, Curve] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class FilmStrip:
    """A clip as the gallery shows it.

    Attributes:
        clip: ``(3, T, H, W)``, float in [0, 1] or uint8; at most 8 evenly spaced frames are shown.
        class_name: the video's class.
        video_name: the video's name.
        similarity: cosine similarity to the query, None for the query itself.
        correct: whether it is of the query's class, None for the query itself.
    """

    clip: Tensor
    class_name: str
    video_name: str
    similarity: float | None = None
    correct: bool | None = None


@dataclass(frozen=True, eq=False)
class GalleryRow:
    """A query and what the networks find for it.

    Attributes:
        query: the query.
        neighbours: nearest neighbours, nearest first, by the name of the network that finds them.
    """

    query: FilmStrip
    neighbours: Mapping[str, list[FilmStrip]]


@dataclass(frozen=True, eq=False)
class Report:
    """All that a report says.

    Attributes:
        title: the heading.
        summary: what was done and what came out, in a sentence or two.
        networks: the networks that are compared, in the order of the figures.
        chance: accuracy in [0, 1] of a random ranking for every k, as ``chance_level`` returns it.
        gallery: queries with their nearest neighbours; may be empty.
        gallery_note: how the queries were chosen.
        curve_axis: what the abscissa of the curves counts.
        config_text: the configuration of the run.
        versions: version by package or tool.
        command: how to reproduce the run.
    """

    title: str
    summary: str
    networks: list[NetworkResult]
    chance: Mapping[int, float]
    gallery: list[GalleryRow] = field(default_factory=list)
    gallery_note: str = ""
    curve_axis: str = "training step"
    config_text: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""


def write_report(path: Path, report: Report) -> None:
    """Write ``report`` as a self-contained HTML page.

    Args:
        path: the file to write; its folder is made if need be.
        report: what to say.

    Raises:
        InputError: there is no network to report on, or a film strip's clip is no RGB clip.
    """
    if not report.networks:
        raise InputError("report.networks is empty: a report needs the result of at least one network.")
    page = _environment().get_template("report.html.j2")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        page.render(
            report=report,
            ks=sorted({k for network in report.networks for k in network.retrieval}),
            charts=_curve_charts(report.networks),
            labels={network.name: network.label for network in report.networks},
            colours=_colours(network.name for network in report.networks),
        ),
        encoding="utf-8",
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("iic_ptv.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda fraction: f"{100 * fraction:.1f}"
    environment.filters["sprite"] = film_strip_sprite
    return environment


def _curve_charts(networks: list[NetworkResult]) -> dict[str, LineChart]:
    """One chart per title, in order of first appearance; a title without a point has none."""
    titles = dict.fromkeys(title for network in networks for title in network.curves)
    charts = {
        title: line_chart({network.name: network.curves.get(title, []) for network in networks}) for title in titles
    }
    return {title: chart for title, chart in charts.items() if chart.lines}


def _colours(names: Iterable[str]) -> dict[str, str]:
    free = iter(FREE_COLOURS)
    return {name: COLOURS.get(name) or next(free, "grey") for name in names}
