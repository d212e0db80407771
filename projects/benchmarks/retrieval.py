"""Retrieval of the size of UCF101's test and training lists, out of random features of 10 clips per video.

    python -m projects.benchmarks.retrieval

What is measured goes into ``retrieval.json`` and the table of the README. It takes some minutes, 5 GB of disk and 10 GB
of memory, which is what NumPy takes.
"""

from __future__ import annotations

import statistics
from dataclasses import asdict
from pathlib import Path
from typing import Any

from iic_ptv.evaluation.retrieval import PAPER_KS
from projects.benchmarks import data
from projects.benchmarks.retrievers import CONTENDERS, Sizes, run, write_clips
from projects.benchmarks.tables import Table
from projects.benchmarks.timing import new_processes_in_turn

SECTION = "retrieval"
NUMPY = ("NumPy, float32", "NumPy, float64")
STAGES = ("read", "means", "similarities", "ranking", "hits", "all but reading")
RESULTS = Path(__file__).with_name("retrieval.json")
UCF101 = Sizes(queries=3783, gallery=9537, clips=10, dimensions=9216, classes=101)  # split 1; map features of R3D


def measure(folder: Path, sizes: Sizes = UCF101, rounds: int = 3) -> dict[str, Any]:
    """Medians of times and memory of every contender, each time in a new process, and whether their hits differ.

    Args:
        folder: where the file of clip features is written.
        sizes: of what is searched.
        rounds: how often each contender runs; in each round they take turns in another order.
    """
    path = folder / "clips.f32"
    write_clips(path, sizes)
    runs = new_processes_in_turn(CONTENDERS, rounds, run, path, sizes)
    hits = {name: outcomes[0][0].hits for name, outcomes in runs.items()}
    return {
        "sizes": asdict(sizes),
        "rounds": rounds,
        "accuracy": dict(zip(map(str, PAPER_KS), hits["ours"].mean(axis=0).round(4).tolist(), strict=True)),
        "contenders": {
            name: {
                "seconds": _medians([outcome.seconds for outcome, _ in outcomes]),
                "peak_mb": round(statistics.median(peak for _, peak in outcomes)),
                "hits_that_differ": int((hits[name] != hits["ours"]).sum()) if hits[name].size else None,
            }
            for name, outcomes in runs.items()
        },
    }


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    """Of every stage, and of all stages together but reading, which the disk and its cache make the time of."""
    runs = [{**stages, "all but reading": sum(stages.values()) - stages["read"]} for stages in runs]
    return {stage: round(statistics.median(stages[stage] for stages in runs), 6) for stage in runs[0]}


def tables(results: dict[str, Any]) -> list[Table]:
    """Times and memory of all contenders."""
    sizes, contenders = results["sizes"], results["contenders"]
    totals = {name: each["seconds"]["all but reading"] for name, each in contenders.items()}
    rows = [
        [
            name,
            *(f"{each['seconds'][stage]:.2f}" if stage in each["seconds"] else "" for stage in STAGES),
            *(f"{totals[reference] / totals[name]:.1f}" for reference in NUMPY),
            f"{each['peak_mb']:,}",
            "" if each["hits_that_differ"] is None else str(each["hits_that_differ"]),
        ]
        for name, each in contenders.items()
    ]
    columns = [
        "",
        *(f"{stage}, s" for stage in STAGES),
        *(f"times {name}" for name in NUMPY),
        "memory, MB",
        "hits apart",
    ]
    title = (
        f"{sizes['queries']:,} queries against {sizes['gallery']:,} videos, {sizes['clips']} clips each, "
        f"{sizes['dimensions']:,} dimensions: from clip features to hits at k = {', '.join(results['accuracy'])}; "
        f"medians of {results['rounds']} new processes each"
    )
    return [Table(title, columns, rows)]


def main() -> None:
    """Measure, show the table, and write ``retrieval.json`` and the README's table."""
    data.measure_alone(SECTION, RESULTS)


if __name__ == "__main__":
    main()
