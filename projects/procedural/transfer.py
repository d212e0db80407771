"""What weights of R3D are worth on real actions, beside the same network untrained: probes and fine-tuning, five seeds.

From the root of the repository, for a folder of real clips with ``videos/`` and ``splits/`` in UCF101's format:

    python -m projects.procedural.transfer FOLDER --checkpoint iic://r3d.iic_procedural

The seed is that of the untrained network, of what is drawn of the labels for 5-shot, of the new classifier and of the
order of the clips. Both networks see the clips that the weights were trained on; all fine-tuning is alike.
``transfer.json`` keeps all figures; what it has is not measured again.
"""

from __future__ import annotations

import argparse
import json
import statistics
from datetime import date
from pathlib import Path
from typing import Any

import torch

from iic_ptv.runs.folder import versions
from projects.finished_runs import metrics_of

HERE = Path(__file__).parent
RESULTS = HERE / "transfer.json"
PROBES = {"k-NN": "knn_top1", "linear probe": "linear_top1", "5-shot": "shots5"}
MEASURES = (*PROBES, "fine-tuned")
Figures = dict[str, dict[str, float]]  # by network, pre-trained or untrained, and measure


def measure(output: Path, folder: Path, split: str, checkpoint: str, seed: int, overrides: list[str]) -> Figures:
    """Top-1 of the probes of RGB and residual features jointly, and of the fine-tuned network, for both networks."""
    common = ["OUTPUT", str(output), "SEED", str(seed), *overrides]
    train, test = (str(folder / "splits" / f"{part}list{split}.txt") for part in ("train", "test"))
    data = ["--data", str(folder / "videos")]
    given = ["--checkpoint", checkpoint]
    name, scratch = (f"{network}-split{split}-seed{seed}" for network in (_name(checkpoint), "scratch"))
    lists = ["--gallery", train, "--query", test]
    probe = metrics_of(output, "probe", name, [*given, *data, *lists, *common, "NAME", name, "EVAL.UNTRAINED", "True"])
    recipe = ["--config", str(HERE / "transfer_finetune.yaml"), *data, "--train", train, "--test", test, *common]
    figures = {}
    for network, joint, label, start in (
        ("pre-trained", probe["joint"], name, given),
        ("untrained", probe["untrained"]["joint"], scratch, []),
    ):
        finetuned = metrics_of(output, "finetune", label, [*start, *recipe, "NAME", label])
        probes = {measure: joint[key] for measure, key in PROBES.items()}
        figures[network] = {**probes, "fine-tuned": finetuned["test"]["top1"]}
    return figures


def _name(checkpoint: str) -> str:
    return checkpoint.rstrip("/").rsplit("/", 1)[-1]


def table(results: dict[str, dict[str, Figures]]) -> str:
    """Markdown: mean ± standard deviation over the seeds, and in brackets every seed, in percent."""
    lines = [f"| top-1, % | {' | '.join(MEASURES)} |", f"|---|{'---|' * len(MEASURES)}"]
    for checkpoint, seeds in results.items():
        for network, label in (("pre-trained", f"`{checkpoint}`"), ("untrained", "– untrained, seeing the same clips")):
            cells = [_cell([figures[network][measure] for figures in seeds.values()]) for measure in MEASURES]
            lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: list[float]) -> str:
    spread = f" ± {100 * statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{100 * statistics.mean(values):.1f}{spread} ({', '.join(f'{100 * value:.0f}' for value in values)})"


def main() -> None:
    """Measure, add the figures to ``transfer.json``, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="real clips")
    parser.add_argument("--checkpoint", nargs="+", default=["iic://r3d"], help="weights to measure")
    parser.add_argument("--split", default="02")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--output", type=Path, default=Path("runs/transfer"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--threads", type=int, default=0, help="of the processor; 0: PyTorch's choice")
    parser.add_argument("--set", dest="overrides", nargs="+", default=[], metavar="KEY VALUE", help="options to change")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    results: dict[str, Any] = json.loads(options.results.read_text()) if options.results.exists() else {}
    for seed in options.seeds:
        for checkpoint in options.checkpoint:
            name = _name(checkpoint)
            if str(seed) in results.get("figures", {}).get(name, {}):
                continue
            figures = measure(options.output, options.folder, options.split, checkpoint, seed, options.overrides)
            results.setdefault("figures", {}).setdefault(name, {})[str(seed)] = figures
            results["measured"] = {"date": f"{date.today():%Y-%m-%d}", "versions": versions()}
            options.results.write_text(json.dumps(results, indent=1) + "\n")
    print(table(results["figures"]))


if __name__ == "__main__":
    main()
