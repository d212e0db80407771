"""Pre-train every arm of the ablation for several seeds, and measure what its features are worth.

From the root of the repository, for a folder of real clips with ``videos/`` and ``splits/`` in UCF101's format:

    python -m projects.ablation.study FOLDER

What is finished is not run again, nor what ``results.json`` has, so the same command completes an interrupted study,
also elsewhere; and as each process takes what no other works on, it may be given as often as there are cores.
``python -m projects.ablation.show`` makes the table and the picture of what there is.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from lightning.pytorch import seed_everything
from torch import nn

from iic_ptv.config import load_config
from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.runs.build import build_evaluation_loader, build_networks
from iic_ptv.runs.checkpoint import load_networks, read_checkpoint
from iic_ptv.runs.evaluation.sources import evaluation_indices
from projects.ablation.arms import ARMS, SENSITIVITY, Arm
from projects.ablation.temporality import temporality
from projects.finished_runs import RunFailedError, finished_run, metrics_of_network
from projects.rendered_motions import rendered_motions

Figures = dict[str, dict[str, dict[str, dict[str, float]]]]  # by bench, arm, seed and measure
HERE = Path(__file__).parent
OUTPUT = Path("runs/ablation")
RESULTS = HERE / "results.json"  # what has been measured so far, wherever
LOOKS = 4  # of those that look alike
QUARTER = "trainlist01_quarter.txt"
ALL_ARMS = {**ARMS, **SENSITIVITY}
MEASURES = {  # heading in the table: what its figures are found in, and where in there; None: the views jointly
    "retrieval, RGB": ("retrieve", "rgb", "top1"),
    "retrieval, joint": ("retrieve", None, "top1"),
    "mAP, joint": ("retrieve", None, "map"),
    "k-NN, joint": ("probe", None, "knn_top1"),
    "linear, RGB": ("probe", "rgb", "linear_top1"),
    "linear, joint": ("probe", None, "linear_top1"),
    "fine-tuned": ("finetune", "test", "top1"),
    "still": ("temporality", "rgb", "still"),
    "shuffled": ("temporality", "rgb", "shuffled"),
    "reversed": ("temporality", "rgb", "reversed"),
}


@dataclass(frozen=True)
class Bench:
    """Videos to pre-train on, and labelled ones to measure with.

    Attributes:
        label: what it is called in the table.
        config: file to pre-train with; the one for fine-tuning is named after it.
        arms: what is compared on it.
        videos: the folder with ``videos/`` and ``splits/`` to measure with, by seed.
        unlabelled: the one to pre-train on.
        split: which of the lists are the labelled videos to train and to test on.
    """

    label: str
    config: str
    arms: tuple[str, ...]
    videos: Callable[[int], Path]
    unlabelled: Callable[[int], Path]
    split: str = "01"


def benches(output: Path, real: Path | None) -> dict[str, Bench]:
    """Rendered videos, drawn anew for every seed, and the real ones if there are any."""

    def rendered(seed: int, appearances: int | None = None) -> Path:
        folder = rendered_motions(output, seed, appearances)
        videos = (folder / "splits" / "trainlist01.txt").read_text().splitlines(keepends=True)
        (folder / "splits" / QUARTER).write_text("".join(videos[::4]))
        return folder

    arms, trained_alike = tuple(ARMS), ("cmc", "repeat", "shuffle", "reverse")
    alike = partial(rendered, appearances=LOOKS)
    found = {
        "procedural": Bench("Rendered motions", "procedural", (*arms, *SENSITIVITY), rendered, rendered),
        "alike": Bench("The same, pre-trained on four looks", "procedural", trained_alike, rendered, alike),
    }
    if real is not None:
        found["real_actions"] = Bench("Real actions", "real_actions", arms, lambda _: real, lambda _: real, split="02")
    return found


def measure(output: Path, bench: Bench, name: str, arm: Arm, seed: int, overrides: list[str]) -> dict[str, float]:
    """All figures of one network; the untrained one is what the others began as."""
    folder = bench.videos(seed)
    pretraining = None if arm.options is None else (bench.unlabelled(seed), [*arm.options])
    config, options = HERE / f"{bench.config}.yaml", ["SEED", str(seed), *overrides]
    metrics = metrics_of_network(output, name, folder, bench.split, config, pretraining, options, arm.finetuned)
    pretrained = finished_run(output, "pretrain", name) if pretraining else None
    metrics["temporality"] = {"rgb": _temporality(finished_run(output, "retrieve", name), pretrained)}
    found = {label: where for label, where in MEASURES.items() if where[0] in metrics}
    return {label: _figure(metrics[command], of, what) for label, (command, of, what) in found.items()}


def _temporality(evaluated: Path | None, pretrained: Path | None) -> dict[str, float]:
    """Of the queries of an evaluation, by its network; without a run to take it from, the untrained one."""
    assert evaluated is not None
    cfg = load_config(evaluated / "config.yaml")
    seed_everything(cfg.SEED, verbose=False)
    networks = nn.ModuleList(build_networks(cfg)).eval()
    if pretrained is not None:
        load_networks(networks, read_checkpoint(pretrained))
    _, queries = evaluation_indices(cfg)
    batches, transform = build_evaluation_loader(cfg, queries, ["rgb"], BadVideoLog())
    return temporality(networks[0], (transform(batch)["video"][:, 0] for batch in batches))


def _figure(metrics: dict[str, dict[str, float]], of: str | None, what: str) -> float:
    if of is None:
        of = "joint" if "joint" in metrics else "rgb"
    return metrics[of][what]


def tasks(found: dict[str, Bench], only: list[str], seeds: list[int]) -> Iterator[tuple[str, str, int]]:
    """Bench, arm and seed of what is to be measured: the first seed of all arms first, and the sensitivity last."""
    for arms in (ARMS, SENSITIVITY):
        for seed in seeds:
            for name, bench in found.items():
                yield from ((name, arm, seed) for arm in bench.arms if arm in arms and (not only or arm in only))


def known_figures() -> Figures:
    """What ``results.json`` has."""
    figures: Figures = json.loads(RESULTS.read_text())["figures"] if RESULTS.exists() else {}
    return figures


def result_file(output: Path, bench: str, arm: str, seed: int) -> Path:
    """Where the figures of a network are kept."""
    return output / "results" / bench / arm / f"seed{seed}.json"


def main() -> None:
    """Measure what is not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="real clips; without, rendered videos alone")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the runs and their figures go")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--benches", nargs="+", default=[], help="only these")
    parser.add_argument("--arms", nargs="+", default=[], choices=list(ALL_ARMS), help="only these")
    parser.add_argument("--threads", type=int, default=1, help="of this process")
    parser.add_argument("--set", dest="overrides", nargs="+", default=[], metavar="KEY VALUE", help="options to change")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found = benches(options.output, options.folder)
    found = {name: bench for name, bench in found.items() if not options.benches or name in options.benches}
    known = known_figures()
    for bench, arm, seed in tasks(found, options.arms, options.seeds):
        if str(seed) in known.get(bench, {}).get(arm, {}):
            continue
        file = result_file(options.output, bench, arm, seed)
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(file.with_suffix(".lock"), timeout=0):
                if not file.exists():
                    name = f"{bench}-{arm}-seed{seed}"
                    figures = measure(options.output, found[bench], name, ALL_ARMS[arm], seed, options.overrides)
                    file.write_text(json.dumps(figures, indent=2) + "\n")
        except Timeout:
            continue  # another process is at it
        except RunFailedError as error:
            print(f"{bench}, {arm}, seed {seed}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
