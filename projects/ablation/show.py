"""Make the tables, the picture and ``results.json`` of what the ablation has measured so far.

python -m projects.ablation.show
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from iic_ptv.marked_text import with_marked_text
from iic_ptv.runs.folder import versions
from projects.ablation.study import ALL_ARMS, HERE, MEASURES, OUTPUT, RESULTS, Figures, benches, known_figures

ABSENT = "–"
ENOUGH_SEEDS = 3


def collect(output: Path, before: Figures) -> Figures:
    """What was measured into ``output``, on top of what was known ``before``."""
    found: Figures = json.loads(json.dumps(before))
    for file in sorted((output / "results").glob("*/*/seed*.json")):
        bench, arm, seed = file.parts[-3], file.parts[-2], file.stem.removeprefix("seed")
        found.setdefault(bench, {}).setdefault(arm, {})[seed] = json.loads(file.read_text())
    return {bench: found[bench] for bench in _labels() if bench in found}


def _labels() -> dict[str, str]:
    """What the benches are called, in their order."""
    return {name: bench.label for name, bench in benches(OUTPUT, Path()).items()}


def differences(figures: Figures) -> Figures:
    """How much better every arm is than its base with the same seed, on the same videos and from the same weights."""
    return {
        bench: {
            name: {
                seed: {measure: value - base[seed][measure] for measure, value in values.items()}
                for seed, values in seeds.items()
                if seed in base
            }
            for name, seeds in arms.items()
            if (base := arms.get(ALL_ARMS[name].base or ""))
        }
        for bench, arms in figures.items()
    }


def table(figures: Figures, cell: Callable[[list[float]], str]) -> str:
    """Markdown: for every bench its arms and measures, what ``cell`` tells of the seeds."""
    lines, labels = [f"| % | seeds | {' | '.join(MEASURES)} |", f"|---|---|{'---|' * len(MEASURES)}"], _labels()
    for bench, arms in figures.items():
        lines.append(f"| **{labels[bench]}** | |{' |' * len(MEASURES)}")
        group = ""
        for name, arm in ALL_ARMS.items():
            if not (seeds := arms.get(name)):
                continue
            if arm.group != group:
                group = arm.group
                lines.append(f"| *{group}* | |{' |' * len(MEASURES)}")
            cells = [[values[measure] for values in seeds.values() if measure in values] for measure in MEASURES]
            lines.append(f"| {arm.label} | {len(seeds)} | {' | '.join(map(cell, cells))} |")
    return "\n".join(lines)


def level(values: list[float]) -> str:
    """Mean ± standard deviation, in percent."""
    if not values:
        return ABSENT
    mean = f"{100 * statistics.mean(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ± {100 * statistics.stdev(values):.1f}"


def change(values: list[float]) -> str:
    """Mean of differences, in points; bold if there are enough seeds, and all agree on the sign."""
    if not values:
        return ABSENT
    mean = f"{100 * statistics.mean(values):+.1f}"
    agree = len(values) >= ENOUGH_SEEDS and (min(values) > 0 or max(values) < 0)
    return f"**{mean}**" if agree else mean


def picture(figures: Figures, path: Path) -> None:
    """Draw every seed of every arm as a dot and their mean as a line, one panel for each bench and three measures."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = ("retrieval, joint", "linear, joint", "fine-tuned")
    labels = _labels()
    names = {bench: [name for name in ALL_ARMS if name in arms] for bench, arms in figures.items()}
    heights = [len(arms) + 2 for arms in names.values()]
    layout: dict[str, Any] = {"sharex": "col", "squeeze": False, "height_ratios": heights}
    drawing, panels = plt.subplots(
        len(figures), len(shown), **layout, figsize=(3.4 * len(shown), 0.26 * sum(heights) + 0.5)
    )
    for row, (bench, arms) in zip(panels, figures.items(), strict=True):
        for panel, measure in zip(row, shown, strict=True):
            for place, name in enumerate(names[bench]):
                values = [100 * seed[measure] for seed in arms[name].values() if measure in seed]
                color = "tab:gray" if name == "untrained" else "tab:orange" if name == "cmc" else "tab:blue"
                panel.plot(values, [place] * len(values), "o", color=color, alpha=0.5, markersize=5)
                if values:
                    panel.plot([statistics.mean(values)] * 2, [place - 0.35, place + 0.35], color=color, linewidth=2)
            panel.set_ylim(len(names[bench]) - 0.5, -0.5)
            panel.set_yticks([])
            panel.grid(axis="x", alpha=0.3)
        row[0].set_yticks(range(len(names[bench])), [ALL_ARMS[name].label for name in names[bench]], fontsize=8)
        row[0].set_title(labels[bench], loc="left", fontsize=9, fontweight="bold")
    for panel, measure in zip(panels[-1], shown, strict=True):
        panel.set_xlabel(f"{measure}: top-1, %", fontsize=8)
    drawing.tight_layout()
    drawing.savefig(path, dpi=110)
    plt.close(drawing)


def main() -> None:
    """Write all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the study ran")
    options = parser.parse_args()
    figures = collect(options.output, known_figures())
    measured = {"date": f"{date.today():%Y-%m-%d}", "versions": versions()}
    RESULTS.write_text(json.dumps({"measured": measured, "figures": figures}, indent=1) + "\n")
    picture(figures, HERE / "results.png")
    page = HERE / "README.md"
    for mark, text in (("levels", table(figures, level)), ("differences", table(differences(figures), change))):
        page.write_text(with_marked_text(page.read_text(), mark, text))
        print(text)


if __name__ == "__main__":
    main()
