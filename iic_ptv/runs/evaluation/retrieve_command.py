"""What ``iic retrieve`` does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fvcore.common.config import CfgNode
from torch import Tensor

from iic_ptv.evaluation.feature_map import feature_map_section
from iic_ptv.evaluation.gallery import gallery_rows
from iic_ptv.evaluation.per_class import PerClassRetrieval, per_class_retrieval
from iic_ptv.evaluation.published import reported_retrieval
from iic_ptv.evaluation.report import Report, write_report
from iic_ptv.evaluation.retrieval import PAPER_KS
from iic_ptv.evaluation.sections import Gallery, Section, Table, TopK, top_k_tiles
from iic_ptv.runs.evaluation.evaluate import Evaluation, Request, evaluate
from iic_ptv.runs.evaluation.retrieve import Retrieved, score_retrieval, top_k
from iic_ptv.runs.folder import command_line, versions, write_json
from iic_ptv.runs.terminal import accuracy_table, console, say

FEWEST_ON_MAP = 3  # videos


def retrieve_command(request: Request) -> Path | None:
    """Score retrieval in every view and jointly, in a run folder of its own, which the first process returns."""
    evaluation = evaluate("retrieve", request)
    if evaluation is None:
        return None
    gallery, query = evaluation.gallery.networks, evaluation.query.networks
    found = {network: score_retrieval(gallery[network], query[network]) for network in query}
    subject = found[evaluation.subject]
    classes = _per_class(evaluation, subject)
    write_json(evaluation.folder / "metrics.json", _metrics(evaluation, found, classes))
    write_report(evaluation.folder / "report.html", _report(evaluation, found, classes))

    rows, precision = dict(subject.accuracy), dict(subject.average_precision)
    for network in found.keys() - {evaluation.subject}:
        name = f"{subject.overall}, {network}"
        rows[name] = found[network].accuracy[subject.overall]
        precision[name] = found[network].average_precision[subject.overall]
    console.print(accuracy_table(rows, subject.chance, precision))
    say(f"report: {evaluation.folder / 'report.html'}")
    return evaluation.folder


def _per_class(evaluation: Evaluation, found: Retrieved) -> PerClassRetrieval:
    query, gallery = found.query[found.overall], found.gallery[found.overall]
    return per_class_retrieval(
        query.features, query.labels, gallery.features, gallery.labels, len(evaluation.class_names)
    )


def _metrics(evaluation: Evaluation, found: dict[str, Retrieved], classes: PerClassRetrieval) -> dict[str, Any]:
    subject = found[evaluation.subject]
    compared = {name: other.metrics() for name, other in found.items() if name != evaluation.subject}
    return {
        **evaluation.facts(),
        "chance": top_k(subject.chance),
        **subject.metrics(),
        **compared,
        "per_class": {
            name: {"queries": queries, "top1": round(accuracy, 4)}
            for name, queries, accuracy in zip(
                evaluation.class_names, classes.queries.tolist(), classes.accuracy.tolist(), strict=True
            )
            if queries
        },
    }


def _report(evaluation: Evaluation, found: dict[str, Retrieved], classes: PerClassRetrieval) -> Report:
    subject, cfg = found[evaluation.subject], evaluation.cfg
    overall = subject.overall
    networks = {evaluation.label(name): other.accuracy[overall] for name, other in found.items()}
    query, gallery = subject.query[overall], subject.gallery[overall]
    sections: list[Section] = [
        top_k_tiles(networks, subject.chance),
        TopK(
            networks,
            {k: subject.chance[k] for k in PAPER_KS},
            reported=_reported(cfg),
            title=f"Video retrieval, {overall} features",
        ),
    ]
    if len(subject.accuracy) > 1:
        sections.append(
            TopK(
                {view: accuracy for view, accuracy in subject.accuracy.items() if view != overall},
                title="View by view",
                note=f"The same for each view alone, of {evaluation.label(evaluation.subject)}.",
            )
        )
    sections.append(_class_table(evaluation, classes))
    show_query, show_gallery = evaluation.query.show(), evaluation.gallery.show()
    if show_query and show_gallery:
        sections.append(_gallery(evaluation, found, show_query, show_gallery))
    if len(query) >= FEWEST_ON_MAP:
        sections.append(feature_map_section(query, show_query))
    return Report(
        "Video retrieval",
        f"{len(query)} videos were searched with in {len(gallery)} others, by the cosine similarity of {overall} "
        f"features. What comes first is of the query's class in {100 * subject.accuracy[overall][1]:.1f} % of cases; "
        f"the mean average precision is {100 * subject.average_precision[overall]:.1f} %.",
        sections,
        cfg.dump(),
        versions(),
        command_line(),
    )


def _gallery(
    evaluation: Evaluation,
    found: dict[str, Retrieved],
    show_query: Callable[[int], Tensor],
    show_gallery: Callable[[int], Tensor],
) -> Gallery:
    overall = found[evaluation.subject].overall
    rows = gallery_rows(
        {evaluation.label(name): other.query[overall] for name, other in found.items()},
        {evaluation.label(name): other.gallery[overall] for name, other in found.items()},
        show_query,
        show_gallery,
        evaluation.class_names,
    )
    return Gallery(rows, "The first query of each of six evenly spaced classes, whatever was found for it.")


def _reported(cfg: CfgNode) -> dict[str, dict[int, float]]:
    """What the paper reports for these very videos: the first split of UCF101 or HMDB51, all of it."""
    others = cfg.EVAL.GALLERY or cfg.EVAL.QUERY or cfg.DATA.LISTS or cfg.DATA.SPLIT != 1
    return {} if others else reported_retrieval(cfg.DATA.KIND, cfg.MODEL.BACKBONE)


def _class_table(evaluation: Evaluation, classes: PerClassRetrieval) -> Table:
    columns = (evaluation.class_names, classes.queries.tolist(), classes.gallery.tolist(), classes.accuracy.tolist())
    rows = [
        (name, queries, videos, 100 * accuracy)
        for name, queries, videos, accuracy in zip(*columns, strict=True)
        if queries
    ]
    return Table("Class by class", ("class", "queries", "gallery videos", "top-1, %"), rows)
