"""The loss beside that of the reference, and the two ways to its logits beside each other.

    python -m projects.benchmarks.loss

What is measured goes into ``loss.json`` and the tables of the README. It takes a minute or two.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from projects.benchmarks import data
from projects.benchmarks.losses import HALVES, OURS, REFERENCE, Sizes, run, ways_to_logits
from projects.benchmarks.tables import Table
from projects.benchmarks.timing import in_new_process, new_processes_in_turn

SECTION = "loss"
RESULTS = Path(__file__).with_name("loss.json")
LARGE = Sizes(64, 16384, 240_000, 128)
# Around where the one way becomes faster than the other, for features with and without a head.
WAYS_OF = (
    Sizes(16, 1024, 3_570, 512),
    Sizes(16, 1024, 9_537, 512),
    Sizes(16, 1024, 240_000, 512),
    Sizes(16, 1024, 9_537, 128),
    Sizes(16, 1024, 240_000, 128),
    LARGE,
    Sizes(64, 16384, 1_000_000, 128),
)


def measure(
    folder: Path,
    sizes: Sizes = LARGE,
    rounds: int = 3,
    steps: int = 5,
    ways_of: Sequence[Sizes] = WAYS_OF,
) -> dict[str, Any]:
    """Forward pass, update of the banks and backward pass of all contenders; and both ways to logits of given sizes."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    names = [REFERENCE, OURS, *(f"{OURS}, banks in {half}" for half in HALVES)]
    runs = new_processes_in_turn(names, rounds, run, sizes, steps)
    return {
        "sizes": asdict(sizes),
        "rounds": rounds,
        "steps": steps,
        "load_average": round(os.getloadavg()[1], 1),
        "contenders": {name: _summary(each) for name, each in runs.items()},
        "ways": [{**asdict(each), **in_new_process(ways_to_logits, each, steps)} for each in ways_of],
    }


def _summary(runs: list[dict[str, Any]]) -> dict[str, float]:
    seconds = statistics.median(second for each in runs for second in each["seconds"])
    peak, banks, gradient = (
        statistics.median(each[name] for each in runs) for name in ("peak_mb", "banks_mb", "gradient_error")
    )
    return {
        "ms": round(1000 * seconds, 2),
        "peak_mb": round(peak, 1),
        "banks_mb": round(banks, 1),
        "gradient_error": float(f"{gradient:.2g}"),
    }


def ratios(results: dict[str, Any]) -> dict[str, float]:
    """How many times as fast as the reference ours is, and how many times less memory it takes."""
    reference, ours = (results["contenders"][name] for name in (REFERENCE, OURS))
    return {
        "loss: times as fast": reference["ms"] / ours["ms"],
        "loss: times less memory": reference["peak_mb"] / ours["peak_mb"],
    }


def tables(results: dict[str, Any]) -> list[Table]:
    """The contenders, and the two ways."""
    sizes, reference = Sizes(**results["sizes"]), results["contenders"][REFERENCE]
    contenders = [
        [
            name,
            f"{each['ms']:,.0f}",
            f"{reference['ms'] / each['ms']:.1f}",
            f"{each['peak_mb']:,.0f}",
            f"{reference['peak_mb'] / each['peak_mb']:.1f}",
            f"{each['banks_mb']:,.0f}",
            f"{each['gradient_error']:.1e}",
        ]
        for name, each in results["contenders"].items()
    ]
    columns = ["", "ms", "times as fast", "memory, MB", "times less memory", "banks, MB", "error of the gradient"]
    title = f"The loss alone, {sizes}: forward, update of the banks, backward; medians of {results['rounds']} processes"
    ways = [
        [
            str(Sizes(**{name: each[name] for name in asdict(sizes)})),
            f"{each['product_ms']:,.1f}",
            f"{each['rows_ms']:,.1f}",
            "product" if each["takes_product"] else "rows",
        ]
        for each in results["ways"]
    ]
    return [
        Table(title, columns, contenders),
        Table(
            "Logits of one view with one bank, forward and backward, as a product with the whole bank and row by row",
            ["", "product, ms", "rows, ms", "what is taken"],
            ways,
        ),
    ]


def main() -> None:
    """Measure, show the tables, and write ``loss.json`` and the README's tables."""
    data.measure_alone(SECTION, RESULTS)


if __name__ == "__main__":
    main()
