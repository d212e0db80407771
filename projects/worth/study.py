"""Pre-train, retrieve, probe and fine-tune for several seeds, and write one table.

From the root of the repository, for a folder of real clips with ``videos/`` and ``splits/`` in UCF101's format:

    python -m projects.worth.study FOLDER

It runs the commands that README.md names, one after the other. What is finished is not run again, so that a study that
was interrupted is completed by the same command.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from iic_ptv.runs.folder import versions
from projects.finished_runs import metrics_of_network
from projects.rendered_motions import rendered_motions

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
NETWORKS = {"untrained": "Untrained", "cmc": "CMC", "iic": "IIC"}
INTRA_NEGATIVES = {"cmc": "none", "iic": "repeat"}


@dataclass(frozen=True)
class Collection:
    """Videos to pre-train on, and which of them are labelled to train on and to test on.

    Attributes:
        name: what it is called; of its configuration files, too.
        label: what it is called in the table.
        videos: the folder with ``videos/`` and ``splits/``, by seed.
        split: which of the lists are the labelled videos to train and to test on.
    """

    name: str
    label: str
    videos: Callable[[int], Path]
    split: str


@dataclass(frozen=True)
class Measure:
    """A column of the table.

    Attributes:
        label: its heading.
        command: the command whose ``metrics.json`` holds it.
        keys: where in there.
    """

    label: str
    command: str
    keys: tuple[str, ...]


MEASURES = (
    Measure("retrieval, RGB", "retrieve", ("rgb", "top1")),
    Measure("retrieval, residual", "retrieve", ("residual", "top1")),
    Measure("retrieval, joint", "retrieve", ("joint", "top1")),
    Measure("k-NN, joint", "probe", ("joint", "knn_top1")),
    Measure("linear, joint", "probe", ("joint", "linear_top1")),
    Measure("fine-tuned", "finetune", ("test", "top1")),
)


def collections(output: Path, real: Path | None) -> list[Collection]:
    """Rendered videos, drawn anew for every seed, and the real ones if there are any."""
    found = [Collection("procedural", "Rendered motions", partial(rendered_motions, output), split="01")]
    if real is not None:
        found.append(Collection("real_actions", "Real actions", lambda _: real, split="02"))
    return found


def measure(output: Path, collection: Collection, seed: int, network: str, overrides: Sequence[str]) -> dict[str, Any]:
    """All figures of one network; the untrained one is what the others began as."""
    folder = collection.videos(seed)
    name = f"{collection.name}-{network}-seed{seed}"
    negative = INTRA_NEGATIVES.get(network)
    pretraining = None if negative is None else (folder, ["INTRA_NEGATIVE", negative])
    config, options = HERE / f"{collection.name}.yaml", ["SEED", str(seed), *overrides]
    metrics = metrics_of_network(output, name, folder, collection.split, config, pretraining, options)
    return {each.label: _value(metrics[each.command], each.keys) for each in MEASURES}


def _value(metrics: Any, keys: tuple[str, ...]) -> float:
    for key in keys:
        metrics = metrics[key]
    return float(metrics)


def table(results: dict[str, Any]) -> str:
    """Markdown table: mean over the seeds, and in brackets every seed."""
    head = [each.label for each in MEASURES]
    lines = [f"| top-1, % | {' | '.join(head)} |", f"|---|{'---|' * len(head)}"]
    for collection in results["collections"].values():
        lines.append(f"| **{collection['label']}** |{' |' * len(head)}")
        for network, label in NETWORKS.items():
            seeds = [seed[network] for seed in collection["seeds"].values()]
            lines.append(f"| {label} | {' | '.join(_cell([seed[name] for seed in seeds]) for name in head)} |")
        chance = f"{100 * collection['chance']:.1f}"
        lines.append(f"| chance | {' | '.join([chance] * len(head))} |")
    return "\n".join(lines)


def _cell(values: list[float]) -> str:
    return f"{100 * statistics.mean(values):.1f} ({', '.join(f'{100 * value:.0f}' for value in values)})"


def main() -> None:
    """Measure everything, write ``results.json`` beside this file, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="real clips; without, rendered videos alone")
    parser.add_argument("--output", type=Path, default=Path("runs/worth"), help="where the runs go")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--set", dest="overrides", nargs="+", default=[], metavar="KEY VALUE", help="options to change")
    options = parser.parse_args()
    found = {}
    for collection in collections(options.output, options.folder):
        seeds = {
            str(seed): {
                network: measure(options.output, collection, seed, network, options.overrides) for network in NETWORKS
            }
            for seed in options.seeds
        }
        probes = options.output / "probe"
        chance = json.loads(next(probes.glob(f"*-{collection.name}-*/metrics.json")).read_text())["chance"]
        found[collection.name] = {"label": collection.label, "chance": chance, "seeds": seeds}
    measured = {"date": f"{date.today():%Y-%m-%d}", "versions": versions()}
    results = {"measured": measured, "overrides": options.overrides, "collections": found}
    options.results.write_text(json.dumps(results, indent=2) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
