"""A training step beside that of the reference: time, memory, and how much of it is convolutions.

    python -m projects.benchmarks.step

What is measured goes into ``step.json`` and the table of the README. It takes some minutes.
"""

from __future__ import annotations

import os
import statistics
from dataclasses import asdict
from pathlib import Path
from typing import Any

from projects.benchmarks import data
from projects.benchmarks.steps import BFLOAT16, FLOAT32, PAPER, REFERENCE, Work, run
from projects.benchmarks.tables import Table
from projects.benchmarks.timing import new_processes_in_turn

SECTION = "step"
RESULTS = Path(__file__).with_name("step.json")
CONTENDERS = (REFERENCE, FLOAT32, BFLOAT16)


def measure(
    folder: Path,
    work: Work = PAPER,
    rounds: int = 3,
    steps: int = 3,
) -> dict[str, Any]:
    """Medians of all contenders, in new processes that take turns in another order every round.

    Args:
        folder: not needed.
        work: what a step is of.
        rounds: processes of each.
        steps: that each makes.
    """
    # Threads that spin while they wait would disturb each other wherever something else runs.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("KINETO_LOG_LEVEL", "5")  # the profiler tells the terminal what no user needs
    runs = new_processes_in_turn(CONTENDERS, rounds, run, work, steps)
    return {
        "work": asdict(work),
        "rounds": rounds,
        "steps": steps,
        "load_average": round(os.getloadavg()[1], 1),
        "contenders": {name: _summary(each) for name, each in runs.items()},
    }


def _summary(runs: list[dict[str, Any]]) -> dict[str, float]:
    return {
        "seconds": round(statistics.median(second for each in runs for second in each["seconds"]), 4),
        "peak_mb": round(statistics.median(each["peak_mb"] for each in runs), 1),
        "graph_mb": round(statistics.median(each["graph_mb"] for each in runs), 1),
        "convolutions": round(statistics.median(each["convolutions"] for each in runs), 3),
    }


def ratios(results: dict[str, Any]) -> dict[str, float]:
    """How many times as fast as the reference ours are, and how many times less memory they take."""
    reference = results["contenders"][REFERENCE]
    ours = {name: each for name, each in results["contenders"].items() if name != REFERENCE}
    return {
        **{f"{name}: times as fast": reference["seconds"] / each["seconds"] for name, each in ours.items()},
        **{
            f"{name}: times less for the graph": reference["graph_mb"] / each["graph_mb"] for name, each in ours.items()
        },
        **{f"{name}: times less memory": reference["peak_mb"] / each["peak_mb"] for name, each in ours.items()},
        **{f"{name}: share of convolutions": each["convolutions"] for name, each in ours.items()},
    }


def tables(results: dict[str, Any]) -> list[Table]:
    """All contenders."""
    work, reference = results["work"], results["contenders"][REFERENCE]
    rows = [
        [
            name,
            f"{1000 * each['seconds']:,.0f}",
            f"{work['batch'] / each['seconds']:.2f}",
            f"{reference['seconds'] / each['seconds']:.2f}",
            f"{each['graph_mb']:,.0f}",
            f"{each['peak_mb']:,.0f}",
            f"{100 * each['convolutions']:.0f} %",
        ]
        for name, each in results["contenders"].items()
    ]
    title = (
        f"A training step of R3D: {work['batch']} clips of 3 x {work['frames']} x {work['side']} x {work['side']}, "
        f"K {work['num_negatives']:,}, N {work['num_videos']:,}; medians of {results['rounds']} processes of "
        f"{results['steps']} steps each"
    )
    columns = ["", "ms", "clips/s", "times as fast", "graph, MB", "process, MB", "in convolutions"]
    return [Table(title, columns, rows)]


def main() -> None:
    """Measure, show the table, and write ``step.json`` and the README's table."""
    data.measure_alone(SECTION, RESULTS)


if __name__ == "__main__":
    main()
