"""Run the quickstart for several seeds and write the table of the README.

Each seed renders its own videos and draws its own weights. From the root of the repository:

    python -m projects.quickstart.seeds
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from datetime import date
from pathlib import Path
from typing import Any

from iic_ptv.runs.folder import versions
from iic_ptv.runs.quickstart import LABELS, quickstart

RESULTS = Path(__file__).with_name("results.json")


def run_seeds(seeds: list[int], overrides: list[str]) -> dict[str, Any]:
    """Metrics of the quickstart for every seed, and what they were measured with."""
    metrics = {}
    for seed in seeds:
        folder = quickstart(["SEED", str(seed), *overrides])
        metrics[str(seed)] = json.loads((folder / "metrics.json").read_text())
    measured = {"date": f"{date.today():%Y-%m-%d}", "cores": os.cpu_count(), "versions": versions()}
    return {"measured": measured, "overrides": overrides, "seeds": metrics}


def table(results: dict[str, Any]) -> str:
    """Markdown table of top-1 by network and seed, with the median."""
    seeds = results["seeds"]
    head = [*(f"seed {seed}" for seed in seeds), "median"]
    lines = [f"| top-1, % | {' | '.join(head)} |", f"|---|{'---|' * len(head)}"]
    for name, label in LABELS.items():
        values = [100 * metrics[name]["top1"] for metrics in seeds.values()]
        cells = " | ".join(f"{value:.1f}" for value in [*values, statistics.median(values)])
        lines.append(f"| {label} | {cells} |")
    chance = 100 * next(iter(seeds.values()))["chance"]["top1"]
    lines.append(f"| chance | {' | '.join([f'{chance:.1f}'] * len(head))} |")
    return "\n".join(lines)


def main() -> None:
    """Run, write ``results.json`` beside this file, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--results", type=Path, default=RESULTS, help="where to write; made if need be")
    parser.add_argument("--set", dest="overrides", nargs="+", default=[], metavar="KEY VALUE", help="options to change")
    options = parser.parse_args()
    results = run_seeds(options.seeds, options.overrides)
    options.results.write_text(json.dumps(results, indent=2) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
