"""Pre-train on a few hundred real clips for several seeds, and score retrieval against the untrained network.

From the root of the repository, for a folder with ``videos/`` and ``splits/`` in UCF101's format:

    python -m projects.small_real.seeds FOLDER
"""

from __future__ import annotations

import argparse
import json
import statistics
from datetime import date
from pathlib import Path
from typing import Any

from fvcore.common.config import CfgNode
from lightning.pytorch import seed_everything
from torch import nn

from iic_ptv.config import load_config
from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.runs.build import build_networks
from iic_ptv.runs.evaluation.retrieve import retrieve, top_k
from iic_ptv.runs.evaluation.sources import evaluation_indices
from iic_ptv.runs.folder import create_run_folder, versions
from iic_ptv.runs.pretraining.pretrain import pretrain, run_name

HERE = Path(__file__).parent
CONFIG = HERE / "iic.yaml"
RESULTS = HERE / "results.json"
NETWORKS = {"random": "Untrained", "cmc": "CMC", "iic": "IIC, repeated frames"}


def measure(folder: Path, seed: int, overrides: list[str]) -> dict[str, Any]:
    """Retrieval of the untrained network, CMC and IIC for one seed."""
    cfg = load_config(CONFIG, ["DATA.ROOT", str(folder / "videos"), "SEED", str(seed), *overrides])
    seed_everything(seed, verbose=False)
    results = {"random": _score(cfg, nn.ModuleList(build_networks(cfg)))}
    for name, intra_negative in (("cmc", "none"), ("iic", cfg.INTRA_NEGATIVE)):
        variant = cfg.clone()
        variant.INTRA_NEGATIVE = intra_negative
        run = pretrain(
            variant, create_run_folder(cfg.OUTPUT, "pretrain", run_name(variant)), label=f"{name}, seed {seed}"
        )
        results[name] = {**_score(variant, run.task.networks), "seconds": run.metrics["seconds"]}
    return results


def _score(cfg: CfgNode, networks: nn.ModuleList) -> dict[str, Any]:
    retrieved = retrieve(cfg, networks, *evaluation_indices(cfg), BadVideoLog(), progress=False)
    return {**retrieved.metrics(), "chance": top_k(retrieved.chance)}


def table(results: dict[str, Any]) -> str:
    """Markdown table of joint retrieval, mean and standard deviation over the seeds."""
    seeds = list(results["seeds"].values())
    lines = [
        "| joint retrieval, % | top-1 by seed | top-1, mean (deviation) | top-5, mean (deviation) |",
        "|---|---|---|---|",
    ]
    for name, label in NETWORKS.items():
        top1, top5 = ([100 * seed[name]["joint"][k] for seed in seeds] for k in ("top1", "top5"))
        by_seed = ", ".join(f"{value:.0f}" for value in top1)
        lines.append(f"| {label} | {by_seed} | {_spread(top1)} | {_spread(top5)} |")
    chance = seeds[0]["random"]["chance"]
    lines.append(f"| chance | | {100 * chance['top1']:.1f} | {100 * chance['top5']:.1f} |")
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.1f} ({statistics.stdev(values) if len(values) > 1 else 0:.1f})"


def main() -> None:
    """Measure every seed, write ``results.json`` beside this file, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--set", dest="overrides", nargs="+", default=[], metavar="KEY VALUE", help="options to change")
    options = parser.parse_args()
    seeds = {str(seed): measure(options.folder, seed, options.overrides) for seed in options.seeds}
    measured = {"date": f"{date.today():%Y-%m-%d}", "versions": versions()}
    results = {"measured": measured, "overrides": options.overrides, "seeds": seeds}
    options.results.write_text(json.dumps(results, indent=2) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
