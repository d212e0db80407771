"""What ``iic probe`` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table as TerminalTable

from iic_ptv.evaluation.report import Report, write_report
from iic_ptv.evaluation.sections import ConfusionMatrix, Section, Table, Tile, Tiles
from iic_ptv.runs.evaluation.evaluate import UNTRAINED, Evaluation, Request, evaluate
from iic_ptv.runs.evaluation.probe import Probed, possible_shots, probe_views
from iic_ptv.runs.folder import command_line, versions, write_json
from iic_ptv.runs.terminal import console, say

Results = dict[str, dict[str, Probed]]  # by network and view


def probe_command(request: Request) -> Path | None:
    """Score frozen features by several probes, in a run folder of its own, which the first process returns."""
    evaluation = evaluate("probe", request)
    if evaluation is None:
        return None
    cfg = evaluation.cfg
    gallery, query = evaluation.gallery.networks, evaluation.query.networks
    first = next(iter(query[evaluation.subject]))
    shots = possible_shots(cfg.PROBE.SHOTS, gallery[evaluation.subject][first], query[evaluation.subject][first])
    if left_out := sorted(set(cfg.PROBE.SHOTS) - set(shots)):
        say(f"PROBE.SHOTS: a class has fewer than {left_out[0]} videos in the gallery; left out", style="yellow")
    results = {network: probe_views(cfg, shots, gallery[network], query[network]) for network in query}
    write_json(evaluation.folder / "metrics.json", _metrics(evaluation, results))
    write_report(evaluation.folder / "report.html", _report(evaluation, results))
    console.print(_terminal_table(results))
    say(f"report: {evaluation.folder / 'report.html'}")
    return evaluation.folder


def _metrics(evaluation: Evaluation, results: Results) -> dict[str, Any]:
    numbers = {name: {view: probed.metrics() for view, probed in views.items()} for name, views in results.items()}
    return {
        **evaluation.facts(),
        "chance": round(1 / len(evaluation.sources.gallery.labels.unique()), 4),
        **numbers.pop(evaluation.subject),
        **numbers,
    }


def _rows(results: Results) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Headings, and for every view and network what it is called and its figures in percent."""
    shots = list(next(iter(next(iter(results.values())).values())).few_shot)
    head = ["k-NN\ntop-1", "\ntop-5", "linear\ntop-1", "\ntop-5", *(f"\n{n}-shot" for n in shots)]
    rows = []
    for view in next(iter(results.values())):
        for network, views in results.items():
            probed = views[view]
            values = (probed.knn.top1, probed.knn.top5, probed.linear.top1, probed.linear.top5)
            cells = [f"{100 * value:.1f}" for value in values]
            numbers = probed.metrics()
            cells += [f"{100 * numbers[f'shots{n}']:.1f} ± {100 * numbers[f'shots{n}_deviation']:.1f}" for n in shots]
            rows.append((f"– {network}" if network == UNTRAINED and len(results) > 1 else view, cells))
    return head, rows


def _terminal_table(results: Results) -> TerminalTable:
    head, rows = _rows(results)
    table = TerminalTable("frozen, %", *head)
    for column in table.columns:
        column.no_wrap = True
    for name, cells in rows:
        table.add_row(name, *cells)
    return table


def _report(evaluation: Evaluation, results: Results) -> Report:
    head, rows = _rows(results)
    subject = results[evaluation.subject]
    overall = next(reversed(subject))
    tiles = [
        Tile(label, f"{100 * views[overall].linear.top1:.1f}", f"linear probe, {overall} features", label, "%")
        for label, views in ((evaluation.label(name), views) for name, views in results.items())
    ]
    facts, settings = evaluation.facts(), evaluation.cfg.PROBE
    sections: list[Section] = [
        Tiles(tiles),
        Table(
            "Frozen features",
            ("features", *(title.replace("\n", " ").strip() for title in head)),
            [(name, *cells) for name, cells in rows],
            note=f"Accuracy in percent. k-NN: {settings.NEIGHBOURS} neighbours, temperature {settings.TEMPERATURE}; "
            f"n-shot: mean and deviation over {settings.DRAWS} draws of n labelled videos of each class.",
        ),
        ConfusionMatrix(subject[overall].linear.confusion, evaluation.class_names, f"Linear probe, {overall} features"),
    ]
    return Report(
        "Probes of frozen features",
        f"{facts['query_videos']} videos were classified by the labels of {facts['gallery_videos']} others, from "
        "features of a network that was left as it was.",
        sections,
        evaluation.cfg.dump(),
        versions(),
        command_line(),
    )
