"""From nothing to the first feature through torch.hub: what a new process waits for.

    python -m projects.benchmarks.hub_start               # of every network that has default weights here
    python -m projects.benchmarks.hub_start r3d r2plus1d

Files are in the system's cache, as each is read once before the clock starts. It shows a table.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from iic_ptv.errors import InputError
from iic_ptv.zoo.catalogue import default_record
from iic_ptv.zoo.hub import ARCHITECTURES
from projects.benchmarks.tables import Table

ROOT = Path(__file__).parents[2]
STEPS = ("import torch", "torch.hub.load", "first feature")
WORK = """
import json, sys, time
times = [time.perf_counter()]
import torch
times.append(time.perf_counter())
model = torch.hub.load(sys.argv[1], sys.argv[2], source="local", **json.loads(sys.argv[3])).eval()
times.append(time.perf_counter())
with torch.no_grad():
    model(torch.rand(1, 3, 16, 112, 112))
times.append(time.perf_counter())
print(json.dumps([after - before for before, after in zip(times, times[1:])]))
"""


def measure(architectures: list[str], repeats: int = 5, **options: Any) -> dict[str, Any]:
    """Median seconds of every step, in fresh processes that take turns.

    Args:
        architectures: networks; each is loaded with random weights, and with its default ones if there are any.
        repeats: processes for each, after one that is not counted.
        options: for the networks, such as ``width=0.125``.

    Returns:
        By network and kind of weights, seconds of each of :data:`STEPS`.
    """
    kinds = {(name, kind): kind == "pretrained" for name in architectures for kind in _kinds(name)}
    seconds: dict[tuple[str, str], list[list[float]]] = {key: [] for key in kinds}
    for _ in range(1 + repeats):
        for (name, kind), pretrained in kinds.items():
            seconds[name, kind].append(_seconds(name, {"pretrained": pretrained, **options}))
    return {
        "repeats": repeats,
        "seconds": {
            f"{name}, {kind}": dict(zip(STEPS, map(statistics.median, zip(*times[1:], strict=True)), strict=True))
            for (name, kind), times in seconds.items()
        },
    }


def table(results: dict[str, Any]) -> Table:
    """What was measured."""
    title = (
        f"Seconds that a new process takes, medians of {results['repeats']}; the feature is of one clip of "
        "16 x 112 x 112 on the CPU"
    )
    rows = [[name, *(f"{times[step]:.2f}" for step in STEPS)] for name, times in results["seconds"].items()]
    return Table(title, ["network", *STEPS], rows)


def _kinds(architecture: str) -> list[str]:
    return ["random", "pretrained"] if _has_default(architecture) else ["random"]


def _has_default(architecture: str) -> bool:
    try:
        return bool(default_record(architecture).files)
    except InputError:
        return False


def _seconds(architecture: str, options: dict[str, Any]) -> list[float]:
    command = [sys.executable, "-c", WORK, str(ROOT), architecture, json.dumps(options)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Measure and show the table."""
    import rich

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("architectures", nargs="*", help="networks; by default those that have weights here, else r3d")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    chosen = arguments.architectures or [name for name in ARCHITECTURES if _has_default(name)] or ["r3d"]
    rich.print(table(measure(chosen, arguments.repeats)).to_rich())


if __name__ == "__main__":
    main()
