"""Clips per second of feature extraction, beside torchvision's and PyTorchVideo's networks as their users run them.

    python -m projects.benchmarks.inference [--device cuda] [--compile]

What is measured goes into ``inference.json``, for each kind of device in the place of what was measured there before,
and from there into the tables of the README. On two cores it takes about a quarter of an hour. Where PyTorchVideo is
not installed, its network is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor

from iic_ptv.evaluation.forward_pass import CLIPS_PER_FORWARD
from iic_ptv.models import r3d
from projects.benchmarks import data
from projects.benchmarks.extractors import LIBRARIES, Extract, across_videos, alternatives, batch_by_batch
from projects.benchmarks.tables import Table
from projects.benchmarks.timing import round_robin, timed

SECTION = "inference"
RESULTS = Path(__file__).with_name("inference.json")
CLIPS_PER_VIDEO = 10
Shape = tuple[int, int, int, int]


@dataclass(frozen=True)
class Sizes:
    """What is measured.

    Attributes:
        clips: by the network, the clips that it is run on: those that its library's own documentation has.
        batched: the clips of our R3D for the comparison of batches.
        videos: how many of 10 clips these are of.
        batches: videos per batch.
        rounds: how often each alternative runs; in each round they take turns in another order.
    """

    clips: Mapping[str, Shape] = field(
        default_factory=lambda: {"r3d_18": (3, 16, 112, 112), "slow_r50": (3, 8, 224, 224)}
    )
    batched: Shape = (3, 16, 64, 64)
    videos: int = 8
    batches: tuple[int, ...] = (1, 8)
    rounds: int = 5


def measure(
    folder: Path, device: str = "cpu", compiled: bool = False, sizes: Sizes | None = None, rounds: int | None = None
) -> dict[str, Any]:
    """Clips per second of all alternatives, and how far their features are apart.

    Args:
        folder: not used; all is in memory.
        device: where to compute.
        compiled: run compiled networks, too.
        sizes: what is measured.
        rounds: in place of those of the sizes.
    """
    sizes, place = sizes or Sizes(), torch.device(device)
    sizes = replace(sizes, rounds=rounds or sizes.rounds)
    missing = [library for name in sizes.clips if not importlib.util.find_spec(library := LIBRARIES[name])]
    with _on_all_cores() as threads:
        return {
            "device": torch.cuda.get_device_name(place) if place.type == "cuda" else "CPU",
            "threads": threads,
            "rounds": sizes.rounds,
            "not_installed": missing,
            "networks": {
                name: _compare_networks(name, shape, place, compiled, sizes.rounds)
                for name, shape in sizes.clips.items()
                if LIBRARIES[name] not in missing
            },
            "batches": _compare_batches(sizes, place),
        }


@contextmanager
def _on_all_cores() -> Iterator[int]:
    """Compute with a thread on every core, and say how many; other benchmarks have torch on a single one."""
    before, threads = torch.get_num_threads(), len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    try:
        yield threads
    finally:
        torch.set_num_threads(before)


def _compare_networks(name: str, shape: Shape, device: torch.device, compiled: bool, rounds: int) -> dict[str, Any]:
    """A network of another library and ours of the same weights, on the same batch of clips."""
    clips = torch.rand(CLIPS_PER_FORWARD, *shape, generator=torch.Generator().manual_seed(1)).to(device)
    ways = alternatives(name, device, compiled)
    first = {label: _first_time(extract, clips) for label, extract in ways.items()}
    seconds = round_robin({label: timed(extract) for label, extract in ways.items()}, [clips] * rounds)
    expected, _ = next(iter(first.values()))
    return {
        "shape": list(shape),
        "ways": {
            label: {
                "clips_per_s": round(len(clips) / statistics.median(seconds[label]), 3),
                "least_cosine": round(float(torch.cosine_similarity(features, expected).min()), 6),
                "first_s": round(first_seconds, 1),
            }
            for label, (features, first_seconds) in first.items()
        },
    }


def _first_time(extract: Extract, clips: Tensor) -> tuple[Tensor, float]:
    """Features, and the seconds until they are there for the first time, with all that is prepared or compiled."""
    began = time.perf_counter()
    return extract(clips), time.perf_counter() - began


def _compare_batches(sizes: Sizes, device: torch.device) -> dict[str, Any]:
    """Our R3D on videos of several clips: forward passes that are filled across videos, or batch by batch."""
    torch.manual_seed(0)
    network = r3d().eval().to(device)
    clips = torch.rand(sizes.videos, CLIPS_PER_VIDEO, *sizes.batched, generator=torch.Generator().manual_seed(1))
    clips = clips.to(device)
    ways: dict[tuple[int, str], Extract] = {}
    for batch in sizes.batches:
        ways[batch, "across videos"] = partial(across_videos, network, batch=batch)
        ways[batch, "batch by batch"] = partial(batch_by_batch, network, batch=batch)
    first, *others = (extract(clips) for extract in ways.values())
    seconds = round_robin({key: timed(extract) for key, extract in ways.items()}, [clips] * sizes.rounds)
    rates = {key: round(sizes.videos * CLIPS_PER_VIDEO / statistics.median(times), 3) for key, times in seconds.items()}
    return {
        "shape": list(sizes.batched),
        "videos": sizes.videos,
        "same_bits": all(torch.equal(first, other) for other in others),
        "clips_per_s": {
            str(batch): {way: rate for (size, way), rate in rates.items() if size == batch} for batch in sizes.batches
        },
    }


def ratios(results: dict[str, Any]) -> dict[str, float]:
    """Of what was measured on a CPU, how many times as fast as its library ours runs a network."""
    results = results.get("cpu", results)
    return {
        f"{name}, {label}: times its library": way["clips_per_s"] / next(iter(network["ways"].values()))["clips_per_s"]
        for name, network in results["networks"].items()
        for label, way in network["ways"].items()
        if label.startswith("ours")
    }


def tables(results: dict[str, Any]) -> list[Table]:
    """Of every kind of device, the networks and the batches."""
    return [table for of_device in results.values() for table in (_networks(of_device), _batches(of_device))]


def _networks(results: dict[str, Any]) -> Table:
    measured = results["measured"]
    skipped = f"; {', '.join(results['not_installed'])} is not installed there" if results["not_installed"] else ""
    title = (
        f"On {_machine(results)}, torch {measured['versions']['torch']}, {measured['date']}: batches of "
        f"{CLIPS_PER_FORWARD} clips, medians of {results['rounds']} rounds{skipped}"
    )
    rows = [
        [
            name,
            " x ".join(map(str, network["shape"])),
            label,
            f"{way['clips_per_s']:.2f}",
            f"{way['clips_per_s'] / next(iter(network['ways'].values()))['clips_per_s']:.2f}",
            f"{way['least_cosine']:.6f}",
            f"{way['first_s']:.1f}",
        ]
        for name, network in results["networks"].items()
        for label, way in network["ways"].items()
    ]
    columns = ["network", "clips", "run by", "clips/s", "times the library's", "least cosine to it", "first batch, s"]
    return Table(title, columns, rows)


def _machine(results: dict[str, Any]) -> str:
    if results["device"] != "CPU":
        return str(results["device"])
    return f"{results['threads']} cores of {results['measured']['cpu']}"


def _batches(results: dict[str, Any]) -> Table:
    batches = results["batches"]
    title = (
        f"The same, our R3D in float32 on {batches['videos']} videos of {CLIPS_PER_VIDEO} clips of "
        f"{' x '.join(map(str, batches['shape']))}; features are "
        f"{'the same to the last bit' if batches['same_bits'] else 'NOT the same'}"
    )
    rows = [
        [size, f"{rates['batch by batch']:.2f}", f"{rates['across videos']:.2f}", f"{_gain(rates):.2f}"]
        for size, rates in batches["clips_per_s"].items()
    ]
    columns = ["videos per batch", "forward passes filled batch by batch, clips/s", "across videos, clips/s", "times"]
    return Table(title, columns, rows)


def _gain(rates: Mapping[str, float]) -> float:
    return rates["across videos"] / rates["batch by batch"]


def main() -> None:
    """Measure, show the tables, and write ``inference.json`` and the README's tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="where to compute, such as cuda; the CPU by default")
    parser.add_argument("--compile", action="store_true", help="run compiled networks, too, which takes minutes more")
    arguments = parser.parse_args()
    before = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    measured = data.measure(SECTION, device=arguments.device, compiled=arguments.compile)
    results = {**before, torch.device(arguments.device).type: measured}
    for table in tables(results):
        Console().print(table.to_rich())
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    data.README.write_text(data.with_tables(data.README.read_text(), {SECTION: results}))


if __name__ == "__main__":
    main()
