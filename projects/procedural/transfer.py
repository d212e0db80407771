"""What weights of R3D are worth on real actions, beside untrained ones: a linear probe and fine-tuning, for five seeds.

From the root of the repository, for a folder of real clips with ``videos/`` and ``splits/`` in UCF101's format:

    python -m projects.procedural.transfer FOLDER --checkpoint iic://r3d.iic_procedural

The seed is that of the untrained network, of the classifier and of the order of the clips. The linear probe of given
weights has nothing that is drawn. ``transfer.json`` keeps all figures; what it has is not measured again.
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
SCRATCH = "untrained"
NAMES = {"knn": "k-NN", "linear": "linear probe", "finetuned": "fine-tuned"}


def measure(
    output: Path, folder: Path, split: str, checkpoint: str | None, seed: int, overrides: list[str]
) -> dict[str, float]:
    """Figures of one network: top-1 of the k-NN and linear probes of its RGB and residual features, and fine-tuned."""
    name = f"{_name(checkpoint)}-split{split}-seed{seed}"
    common = ["OUTPUT", str(output), "NAME", name, "SEED", str(seed), *overrides]
    train, test = (str(folder / "splits" / f"{part}list{split}.txt") for part in ("train", "test"))
    of = ["--checkpoint", checkpoint] if checkpoint else []
    data = ["--data", str(folder / "videos")]
    config = [] if checkpoint else ["--config", str(HERE / "transfer_probe.yaml")]
    lists = ["--gallery", train, "--query", test]
    probing = ["EVAL.UNTRAINED", "False", "EVAL.NUM_CLIPS", "3"]
    probe = metrics_of(output, "probe", name, [*of, *config, *data, *lists, *common, *probing])
    recipe = ["--config", str(HERE / "transfer_finetune.yaml"), *data, "--train", train, "--test", test]
    finetuned = metrics_of(output, "finetune", name, [*of, *recipe, *common])
    return {
        "knn": probe["joint"]["knn_top1"],
        "linear": probe["joint"]["linear_top1"],
        "finetuned": finetuned["test"]["top1"],
    }


def _name(checkpoint: str | None) -> str:
    return checkpoint.rstrip("/").rsplit("/", 1)[-1] if checkpoint else SCRATCH


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """Markdown: mean ± standard deviation over the seeds, and in brackets every seed, in percent."""
    lines = [f"| top-1, % | {' | '.join(NAMES.values())} |", f"|---|{'---|' * len(NAMES)}"]
    for network, seeds in results.items():
        cells = [_cell([figures[measure] for figures in seeds.values()]) for measure in NAMES]
        lines.append(f"| {network} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: list[float]) -> str:
    spread = f" ± {100 * statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{100 * statistics.mean(values):.1f}{spread} ({', '.join(f'{100 * value:.0f}' for value in values)})"


def main() -> None:
    """Measure, add the figures to ``transfer.json``, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="real clips")
    parser.add_argument("--checkpoint", nargs="*", default=["iic://r3d"], help="weights beside untrained ones")
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
        for checkpoint in (None, *options.checkpoint):
            if str(seed) in results.get("figures", {}).get(_name(checkpoint), {}):
                continue
            figures = measure(options.output, options.folder, options.split, checkpoint, seed, options.overrides)
            results.setdefault("figures", {}).setdefault(_name(checkpoint), {})[str(seed)] = figures
            results["measured"] = {"date": f"{date.today():%Y-%m-%d}", "versions": versions()}
            options.results.write_text(json.dumps(results, indent=1) + "\n")
    print(table(results["figures"]))


if __name__ == "__main__":
    main()
