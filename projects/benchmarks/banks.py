"""Memory banks that every process holds, beside banks that are sharded: memory, steps and checkpoints.

    python -m projects.benchmarks.banks

What is measured goes into ``banks.json``, ``banks.png`` and the tables of the README. It takes a quarter of an hour,
18 GB of memory and 8 GB of disk.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import pyplot

from projects.benchmarks import bank_costs, data
from projects.benchmarks.bank_costs import Costs
from projects.benchmarks.bank_processes import PROCESSES, Sizes, in_processes, memory_and_checkpoint, seconds_of_steps
from projects.benchmarks.tables import Table

SECTION = "banks"
RESULTS = Path(__file__).with_name("banks.json")
PLOT = Path(__file__).with_name("banks.png")
KINDS = ("replicated", "sharded")
VIDEOS = (10_000, 100_000, 1_000_000, 10_000_000)
SCALES = ((8, 10**6), (64, 10**8), (1000, 10**9))  # processes and videos, for the table that is computed
FEATURE_DIM = 128  # there


def measure(
    folder: Path,
    videos: Sequence[int] = VIDEOS,
    steps: int = 60,
    together_up_to: int = 1_000_000,
    sizes: Sizes = Sizes(0),  # noqa: B008 - it is frozen
) -> dict[str, Any]:
    """Both kinds of banks of so many videos.

    Args:
        folder: where checkpoints are written.
        videos: numbers of them.
        steps: of each kind.
        together_up_to: videos up to which both kinds take turns step by step in the same processes; of more, they take
            turns in new ones, three times, as both do not fit into memory together. Replicated ones of these are not
            read from checkpoints, for which they would have to fit twice.
        sizes: the others.
    """
    results = []
    for number in videos:
        of_number = replace(sizes, videos=number)
        fits = number <= together_up_to
        kinds = {kind: _memory_and_checkpoint(of_number, kind, folder, fits) for kind in KINDS}
        for kind, seconds in _seconds_of_steps(of_number, fits, steps).items():
            kinds[kind]["step_ms"] = 1000 * statistics.median(seconds)
        rounded = {kind: {name: round(value, 3) for name, value in each.items()} for kind, each in kinds.items()}
        results.append({"videos": number, "kinds": rounded})
    return {
        "processes": PROCESSES,
        "feature_dim": sizes.feature_dim,
        "batch": sizes.batch,
        "negatives": sizes.negatives,
        "steps": steps,
        "load_average": round(os.getloadavg()[2], 1),
        "sizes": results,
    }


def _memory_and_checkpoint(sizes: Sizes, kind: str, folder: Path, fits: bool) -> dict[str, float]:
    """Of the process that holds and takes the most."""
    path = folder / kind
    ranks = in_processes(memory_and_checkpoint, sizes, kind, path, fits or kind == "sharded")
    shutil.rmtree(path)
    return {name: max(rank[name] for rank in ranks) for name in ranks[0]}


def _seconds_of_steps(sizes: Sizes, fits: bool, steps: int) -> dict[str, list[float]]:
    """Of the process that took the longest."""
    turns: list[tuple[str, ...]] = [KINDS] if fits else [(kind,) for _ in range(3) for kind in KINDS]
    seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for kinds in turns:
        ranks = in_processes(seconds_of_steps, sizes, kinds, steps if fits else steps // 3)
        for kind in kinds:
            seconds[kind] += [max(each) for each in zip(*(rank[kind] for rank in ranks), strict=True)]
    return seconds


def tables(results: dict[str, Any]) -> list[Table]:
    """What was measured, and what the formulas say."""
    return [_measured(results), _computed()]


def _measured(results: dict[str, Any]) -> Table:
    title = (
        f"Measured: {results['processes']} processes on one machine, each with a batch of {results['batch']}, "
        f"K = {results['negatives']}, D = {results['feature_dim']}, 3 banks; MB of the process that holds the most, "
        f"medians of {results['steps']} steps of the loss alone; load average {results['load_average']} with other work"
    )
    columns = [
        "videos", "banks", "rows, MB", "memory grows by, MB", "at most while made, MB", "step, ms",
        "checkpoint, MB", "written in, s", "read in, s", "at most while read, MB",
    ]  # fmt: skip
    rows = []
    for size in results["sizes"]:
        for kind, each in size["kinds"].items():
            memory = [f"{each[name]:,.0f}" for name in ("banks_mb", "growth_mb", "peak_growth_mb")]
            read = ["does not fit", ""]
            if "read_s" in each:
                read = [f"{each['read_s']:.2f}", f"{each['peak_growth_of_reading_mb']:,.0f}"]
            written = [f"{each['checkpoint_mb']:,.0f}", f"{each['write_s']:.2f}"]
            rows.append([f"{size['videos']:,}", kind, *memory, f"{each['step_ms']:.1f}", *written, *read])
    return Table(title, columns, rows)


def _computed() -> Table:
    title = (
        f"Computed, not measured: a batch of 16 per process, K = 1024, D = {FEATURE_DIM}, 3 banks, float32; "
        "bytes of each process"
    )
    columns = ["processes", "videos", "banks", "memory", "lookup, per step", "update, per step", "checkpoint"]
    rows = []
    for processes, videos in SCALES:
        for kind in (bank_costs.replicated, bank_costs.sharded):
            costs: Costs = kind(videos, processes, FEATURE_DIM)
            cells = [_bytes(value) for value in (costs.memory, costs.lookup, costs.update, costs.checkpoint)]
            rows.append([f"{processes:,}", f"{videos:,}", kind.__name__, *cells])
    return Table(title, columns, rows)


def _bytes(number: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"


def draw(results: dict[str, Any], path: Path) -> None:
    """Memory, time of a step, and time to write a checkpoint, by the number of videos."""
    matplotlib.use("Agg")
    figure, axes = pyplot.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
    panels = {
        "growth_mb": "memory of a process, MB",
        "step_ms": "step of the loss, ms",
        "write_s": "writing a checkpoint, s",
    }
    for panel, (name, label) in zip(axes, panels.items(), strict=True):
        for kind, marker in zip(KINDS, "os", strict=True):
            points = [(size["videos"], size["kinds"][kind][name]) for size in results["sizes"]]
            panel.plot(*zip(*points, strict=True), marker=marker, label=kind)
        panel.set(xscale="log", yscale="log", xlabel="videos", title=label)
        panel.grid(alpha=0.3)
    axes[1].set(yscale="linear", ylim=(0, None))
    axes[0].legend()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, show the tables, and write ``banks.json``, ``banks.png`` and the README's tables."""
    data.measure_alone(SECTION, RESULTS)
    draw(json.loads(RESULTS.read_text()), PLOT)


if __name__ == "__main__":
    main()
