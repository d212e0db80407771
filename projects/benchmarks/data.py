"""Measure what the data layer costs, beside PyTorchVideo, folders of JPEG frames and what cannot be avoided.

From the root of the repository, all sections or some of them, in about a quarter of an hour on two cores:

    python -m projects.benchmarks.data [decode] [loader] [index] [memory] [faults]

What is measured goes into ``data.json``, each section in the place of what it measured before, and from there into the
tables of the README. All files lie in a temporary folder.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from iic_ptv.marked_text import with_marked_text
from iic_ptv.runs.folder import versions

# Each is a module with `measure(folder)`, which returns results, and `tables(results)`. They are imported when they
# are needed: the processes that they start import this module.
SECTIONS = ("decode", "loader", "index", "memory", "faults")
RESULTS = Path(__file__).with_name("data.json")
README = Path(__file__).with_name("README.md")
FRONT_PAGE = Path(__file__).parents[2] / "README.md"


def measure(section: str, **options: Any) -> dict[str, Any]:
    """Measure a section in a temporary folder, on a single thread of torch, as in a worker process."""
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["IIC_CACHE"] = f"{folder}/cache"
        began = time.perf_counter()
        results = _module(section).measure(Path(folder), **options)
        seconds = round(time.perf_counter() - began)
    return {"measured": {"date": f"{date.today():%Y-%m-%d}", "seconds": seconds, **_machine()}, **results}


def _machine() -> dict[str, Any]:
    names = re.findall(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {"cpu": names[0], "cores": len(os.sched_getaffinity(0)), "versions": versions()}


def with_tables(text: str, results: dict[str, Any]) -> str:
    """A document in which the tables of the sections that it shows are those of the results.

    Those of a section lie between ``<!-- SECTION -->`` and ``<!-- end -->``.
    """
    for section, measured in results.items():
        tables = [table.to_markdown() for table in _module(section).tables(measured)]
        text = with_marked_text(text, section, "\n\n".join(tables))
    return text


def _module(section: str) -> Any:
    return importlib.import_module(f"projects.benchmarks.{section}")


def measure_alone(section: str, file: Path) -> None:
    """Measure a section that has a file of results of its own, show its tables, and write them into the README."""
    results = measure(section)
    for table in _module(section).tables(results):
        Console().print(table.to_rich())
    file.write_text(json.dumps(results, indent=2) + "\n")
    for document in (README, FRONT_PAGE):
        document.write_text(with_tables(document.read_text(), {section: results}))


def main() -> None:
    """Measure, show the tables, and write ``data.json`` and the README's tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"some of {', '.join(SECTIONS)}")
    sections = parser.parse_args().sections or SECTIONS
    if unknown := set(sections) - set(SECTIONS):
        parser.error(f"there is no section {', '.join(sorted(unknown))}; choose some of {', '.join(SECTIONS)}.")
    console = Console()
    for section in sections:
        console.print(f"measuring: {section} ...")
        measured = measure(section)
        for table in _module(section).tables(measured):
            console.print(table.to_rich())
        results = {**(json.loads(RESULTS.read_text()) if RESULTS.exists() else {}), section: measured}
        RESULTS.write_text(json.dumps({name: results[name] for name in SECTIONS if name in results}, indent=2) + "\n")
        for document in (README, FRONT_PAGE):
            document.write_text(with_tables(document.read_text(), results))


if __name__ == "__main__":
    main()
