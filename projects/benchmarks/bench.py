"""A guard against slowing down: how fast this is by what it is compared with, beside what has been committed.

    make bench        # or: python -m projects.benchmarks.bench [step] [loss] [inference]

Measures the sections anew, in some minutes, and writes nothing. Only ratios are compared, of alternatives that took
turns on the same machine: seconds tell of machines. Ends with an error if one has fallen by more than a quarter.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from projects.benchmarks import data
from projects.benchmarks.tables import Table

TOLERANCE = 0.75  # of what is committed; shared machines are noisy
# Each a module with `measure`, `ratios` and `RESULTS`, and what makes its measurement short.
SECTIONS: dict[str, dict[str, Any]] = {
    "step": {"rounds": 2, "steps": 2},
    "loss": {"rounds": 2, "steps": 3, "ways_of": ()},
    "inference": {"rounds": 2},
}


@dataclass(frozen=True)
class Ratio:
    """Something of which more is better.

    Attributes:
        name: what it is.
        committed: what was measured when it was committed.
        now: what is measured now.
    """

    name: str
    committed: float
    now: float

    @property
    def fell(self) -> bool:
        """Whether it is so much less that noise does not explain it."""
        return self.now < TOLERANCE * self.committed


def compared(committed: Mapping[str, float], now: Mapping[str, float]) -> list[Ratio]:
    """The ratios that are known from both times."""
    return [Ratio(name, committed[name], value) for name, value in now.items() if name in committed]


def table(ratios: list[Ratio]) -> Table:
    """All of them, and what fell."""
    rows = [
        [each.name, f"{each.committed:.2f}", f"{each.now:.2f}", f"{each.now / each.committed:.2f}", _word(each)]
        for each in ratios
    ]
    return Table("Ratios, of which more is better", ["", "committed", "now", "now by committed", ""], rows)


def _word(ratio: Ratio) -> str:
    return "fell" if ratio.fell else ""


def measured(section: str, **options: Any) -> list[Ratio]:
    """Measure a section anew, and compare."""
    module = importlib.import_module(f"projects.benchmarks.{section}")
    committed = module.ratios(json.loads(module.RESULTS.read_text()))
    return compared(committed, module.ratios(data.measure(section, **options)))


def main() -> None:
    """Measure, show the table, and end with an error if something fell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"some of {', '.join(SECTIONS)}")
    sections = parser.parse_args().sections or list(SECTIONS)
    if unknown := set(sections) - set(SECTIONS):
        parser.error(f"there is no section {', '.join(sorted(unknown))}; choose some of {', '.join(SECTIONS)}.")
    console = Console()
    ratios: list[Ratio] = []
    for section in sections:
        console.print(f"measuring: {section} ...")
        ratios += measured(section, **SECTIONS[section])
    console.print(table(ratios).to_rich())
    if fallen := [each.name for each in ratios if each.fell]:
        sys.exit(f"fell by more than a quarter: {', '.join(fallen)}")


if __name__ == "__main__":
    main()
