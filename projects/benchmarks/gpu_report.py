"""What a GPU makes of this: checks that it computes rightly, and how fast it does, in ten minutes at most.

    make gpu-report        # or, with any Python that has torch, torchvision, lightning, scikit-learn and rich:
    python3 -m projects.benchmarks.gpu_report [--minutes 9] [--output FOLDER]

It builds nothing, downloads nothing and reads no videos: clips come from the renderer. What it finds goes into
``results/DEVICE-DATE.json``, and as tables into the Markdown file beside it, after every part, so that nothing is lost
when the time is up. What cannot be done there is named, with the reason.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from iic_ptv import __version__
from iic_ptv.data.procedural import MOTIONS, render_clips
from iic_ptv.runs.profiling.operations import matrix_product_speed
from projects.benchmarks.gpu_checks import CHECKS, COMPILED_CHECKS
from projects.benchmarks.losses import HALVES, OURS, Sizes, ways_to_logits
from projects.benchmarks.losses import REFERENCE as REFERENCE_LOSS
from projects.benchmarks.losses import run as run_loss
from projects.benchmarks.steps import (
    BFLOAT16,
    COMPILED,
    FLOAT32,
    GRAPHS,
    PAPER,
    REFERENCE,
    OurTraining,
    Work,
    run,
    seconds_of,
)
from projects.benchmarks.tables import Table

RESULTS = Path(__file__).with_name("results")
BATCHES = (16, 32, 64, 128, 256, 512)
CONTENDERS = (BFLOAT16, REFERENCE, COMPILED, GRAPHS, FLOAT32)  # the first ones count most, should time run out
ON_GPU_ALONE = (*COMPILED_CHECKS, COMPILED, GRAPHS)  # compiling for the CPU takes minutes, and is not faster
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
LARGE = Sizes(64, 16384, 240_000, 128)
WAYS_OF = (Sizes(256, 1024, 9_537, 512), Sizes(256, 1024, 240_000, 512), LARGE, Sizes(64, 16384, 1_000_000, 128))
Part = Callable[["Report"], Any]


class Report:
    """What is found out, written after every part.

    Args:
        device: "cuda", or "cpu" to try the report.
        minutes: after which no other part, and no other measurement within one, is begun.
        file: where to write, a JSON file; the Markdown file lies beside it.
        work: what a training step is of; the batch is varied.
        batches: the sizes of it.
    """

    def __init__(
        self,
        device: str,
        minutes: float,
        file: Path,
        work: Work = PAPER,
        batches: tuple[int, ...] = BATCHES,
    ) -> None:
        self.device = device
        self.work = work
        self.batches = batches
        self.results: dict[str, Any] = {"skipped": {}}
        self._file = file
        self._end = time.monotonic() + 60 * minutes

    @property
    def time_is_up(self) -> bool:
        """Whether nothing further is to be begun."""
        return time.monotonic() >= self._end

    def add(self, name: str, part: Part) -> None:
        """Find out a part, unless the time is up or it fails, which is noted."""
        if self.time_is_up:
            self.results["skipped"][name] = "the time was up"
        else:
            try:
                self.results[name] = part(self)
            except Exception as error:  # one part that fails must not take the others with it
                self.results["skipped"][name] = f"{type(error).__name__}: {error}".splitlines()[0]
        self._free()
        self._write()

    def try_out(self, what: str, measurement: Callable[[], Any]) -> Any:
        """A measurement within a part; None if it cannot be made, which is noted."""
        if self.time_is_up or (self.device == "cpu" and what.startswith(ON_GPU_ALONE)):
            self.results["skipped"][what] = "the time was up" if self.time_is_up else "not on the CPU"
            return None
        try:
            return measurement()
        except Exception as error:
            self.results["skipped"][what] = f"{type(error).__name__}: {error}".splitlines()[0]
            return None
        finally:
            self._free()

    def _free(self) -> None:
        gc.collect()
        if self.device == "cuda":
            torch.cuda.empty_cache()

    def _write(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(self.results, indent=2) + "\n")
        text = "\n\n".join(table.to_markdown() for table in tables(self.results))
        self._file.with_suffix(".md").write_text(f"{text}\n")


def machine(report: Report) -> dict[str, Any]:
    """The device, and the versions of everything."""
    found: dict[str, Any] = {
        "date": f"{date.today():%Y-%m-%d}",
        "device": device_name(report.device),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "iic_ptv": __version__,
    }
    if report.device == "cuda":
        properties = torch.cuda.get_device_properties(0)
        found |= {
            "memory_gb": round(properties.total_memory / 1e9, 1),
            "capability": f"{properties.major}.{properties.minor}",
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }
    return found


def device_name(device: str) -> str:
    """What the device is called."""
    return torch.cuda.get_device_name(0) if device == "cuda" else f"CPU {platform.machine()}"


def checks(report: Report) -> dict[str, Any]:
    """All checks, each with what it came to and what it may come to."""
    results = {}
    for name, (check, limit) in CHECKS.items():
        value = report.try_out(name, lambda check=check: check(report.device))  # type: ignore[misc]
        results[name] = {"value": value, "limit": limit, "passed": value is not None and value <= limit}
    return results


def peaks(report: Report) -> dict[str, float]:
    """What the device can do: TFLOP/s of large matrix products, and GB/s of a copy."""
    device = torch.device(report.device)
    found = {f"{name} tflops": matrix_product_speed(device, dtype) / 1e12 for name, dtype in PRECISIONS.items()}
    source = torch.rand(2**28 if report.device == "cuda" else 2**22, device=device)
    target = torch.empty_like(source)
    seconds = [seconds_of(lambda: target.copy_(source), report.device) for _ in range(4)]
    return {**found, "copy gbs": 2 * source.nbytes / min(seconds[1:]) / 1e9}


def batch_sweep(report: Report) -> dict[str, Any]:
    """Clips per second of all contenders at all batch sizes; what does not fit into memory is noted."""
    peak = report.results["peaks"]["bfloat16 tflops"]
    results: dict[str, Any] = {name: {} for name in CONTENDERS}
    for name in CONTENDERS:
        for batch in report.batches:
            work = replace(report.work, batch=batch)
            measured = report.try_out(f"{name}, batch {batch}", lambda n=name, w=work: run(n, w, 5, report.device))  # type: ignore[misc]
            if measured is not None:
                results[name][str(batch)] = _summary(measured, batch, peak)
    return results


def _summary(measured: dict[str, Any], batch: int, peak_tflops: float) -> dict[str, float]:
    seconds = statistics.median(measured["seconds"])
    tflops = measured["operations"] / 1e12
    return {
        "clips_per_second": round(batch / seconds, 2),
        "ms": round(1000 * seconds, 2),
        "memory_gb": round(measured["peak_mb"] / 1000, 2),
        "tflops": round(tflops / seconds, 2),
        "share_of_peak": round(tflops / seconds / peak_tflops, 4),
        "share_of_peak_in_convolutions": round(tflops / measured["convolution_seconds"] / peak_tflops, 4),
        "convolutions": round(measured["convolutions"], 4),
    }


def loss_share(report: Report) -> dict[str, float]:
    """The loss, forward, update of the banks and backward, by the step at the best batch of ours."""
    best = max(report.results["batches"][BFLOAT16].items(), key=lambda item: item[1]["clips_per_second"])
    sizes = Sizes(int(best[0]), report.work.num_negatives, report.work.num_videos, round(512 * report.work.width))
    seconds = statistics.median(run_loss(OURS, sizes, 10, report.device)["seconds"])
    return {"batch": sizes.batch, "ms": round(1000 * seconds, 3), "share": round(1000 * seconds / best[1]["ms"], 4)}


def loss_alone(report: Report) -> dict[str, Any]:
    """The loss with many negatives, beside the reference's; and both ways to its logits."""
    sizes = LARGE if report.device == "cuda" else Sizes(4, 64, 500, 16)
    names = (REFERENCE_LOSS, OURS, *(f"{OURS}, banks in {half}" for half in HALVES))
    contenders = {}
    for name in names:
        measured = report.try_out(f"loss: {name}", lambda name=name: run_loss(name, sizes, 10, report.device))  # type: ignore[misc]
        if measured is not None:
            contenders[name] = {**measured, "seconds": statistics.median(measured["seconds"])}
    ways = [
        {**asdict(each), **ways_to_logits(each, 5, report.device)}
        for each in (WAYS_OF if report.device == "cuda" else (sizes,))
    ]
    return {"sizes": asdict(sizes), "contenders": contenders, "ways": ways}


def rendering(report: Report) -> dict[str, float]:
    """Clips that the renderer makes in a second on the device, of the size that the network takes."""
    batch, work = report.batches[0], report.work
    motions = torch.arange(batch, device=report.device) % len(MOTIONS)
    seconds = [
        seconds_of(lambda: render_clips(motions, num_frames=work.frames, size=work.side), report.device)
        for _ in range(4)
    ]
    return {"clips_per_second": round(batch / min(seconds[1:]), 1)}


def options(report: Report) -> dict[str, Any]:
    """Activation checkpointing at the largest batch that fits without it: memory and speed."""
    from iic_ptv.models.activation_checkpointing import recompute_activations

    batch = max(int(size) for size in report.results["batches"][BFLOAT16])
    work = replace(report.work, batch=batch)
    clip = torch.rand(batch, 3, work.frames, work.side, work.side, device=report.device)
    index = torch.arange(batch, device=report.device) % work.num_videos
    found = {}
    for name, recompute in (("kept", False), ("recomputed", True)):
        step = OurTraining(work, report.device, bfloat16=True)
        if recompute:
            recompute_activations(step.network)
        if report.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        seconds = [seconds_of(lambda step=step: step(clip, index), report.device) for _ in range(4)]  # type: ignore[misc]
        memory = torch.cuda.max_memory_allocated() / 1e9 if report.device == "cuda" else 0.0
        found[name] = {"ms": round(1000 * min(seconds[1:]), 2), "memory_gb": round(memory, 2)}
        del step
    return {"batch": batch, "activations": found}


def inference(report: Report) -> dict[str, Any]:
    """Feature extraction beside torchvision and, where it is installed, PyTorchVideo."""
    from projects.benchmarks.inference import Sizes as InferenceSizes
    from projects.benchmarks.inference import measure

    tiny = InferenceSizes(clips={"r3d_18": (3, 4, 16, 16)}, batched=(3, 4, 16, 16), videos=2, batches=(1,), rounds=1)
    return measure(Path(), report.device, sizes=None if report.device == "cuda" else tiny)


PARTS: dict[str, Part] = {
    "machine": machine,
    "checks": checks,
    "peaks": peaks,
    "batches": batch_sweep,
    "loss share": loss_share,
    "loss": loss_alone,
    "options": options,
    "inference": inference,
    "renderer": rendering,
}


def tables(results: dict[str, Any]) -> list[Table]:
    """What has been found out so far."""
    made = []
    if "checks" in results:
        rows = [
            [name, "not run" if each["value"] is None else f"{each['value']:.2g}", f"{each['limit']:.2g}", _word(each)]
            for name, each in results["checks"].items()
        ]
        made.append(Table(f"Checks on {_place(results)}", ["", "came to", "at most", ""], rows))
    if "batches" in results:
        made += [_batch_table(results), *_best_table(results)]
    if "loss" in results:
        sizes, contenders = Sizes(**results["loss"]["sizes"]), results["loss"]["contenders"]
        first: dict[str, Any] = next(iter(contenders.values()), {})
        rows = [
            [
                name,
                f"{1000 * each['seconds']:.2f}",
                f"{first['seconds'] / each['seconds']:.1f}",
                f"{each['peak_mb']:,.0f}",
                f"{each['gradient_error']:.1e}",
            ]
            for name, each in contenders.items()
        ]
        columns = ["", "ms", "times the first", "memory, MB", "error of the gradient"]
        made.append(Table(f"The loss alone, {sizes}", columns, rows))
    made.append(Table("Other figures", ["", ""], _other_figures(results)))
    made.append(Table("Left out", ["", "why"], [[name, why] for name, why in results["skipped"].items()]))
    return made


def _other_figures(results: dict[str, Any]) -> list[list[str]]:
    """What has no table of its own, in words."""
    rows = [[f"peak, {name}", f"{value:,.1f}"] for name, value in results.get("peaks", {}).items()]
    if loss := results.get("loss share"):
        rows.append([f"loss of a step of {loss['batch']} clips", f"{loss['ms']} ms, {100 * loss['share']:.1f} %"])
    if chosen := results.get("options"):
        rows += [
            [f"activations {name}, batch {chosen['batch']}", f"{each['ms']} ms, {each['memory_gb']} GB"]
            for name, each in chosen["activations"].items()
        ]
    if renderer := results.get("renderer"):
        rows.append(["clips rendered in a second", f"{renderer['clips_per_second']:,.0f}"])
    return rows


def _word(check: dict[str, Any]) -> str:
    return "passed" if check["passed"] else "" if check["value"] is None else "FAILED"


def _place(results: dict[str, Any]) -> str:
    where = results["machine"]
    return f"{where['device']}, torch {where['torch']}, {where['date']}"


def _batch_table(results: dict[str, Any]) -> Table:
    rows = [
        [
            name,
            batch,
            f"{each['clips_per_second']:,.1f}",
            f"{each['memory_gb']:.1f}",
            f"{each['tflops']:.1f}",
            f"{100 * each['share_of_peak']:.0f} %",
            f"{100 * each['share_of_peak_in_convolutions']:.0f} %",
        ]
        for name, batches in results["batches"].items()
        for batch, each in batches.items()
    ]
    columns = ["", "batch", "clips/s", "memory, GB", "TFLOP/s", "of the bf16 peak", "in convolutions"]
    return Table(f"Training steps of R3D on {_place(results)}", columns, rows)


def _best_table(results: dict[str, Any]) -> list[Table]:
    best = {
        name: max(batches.items(), key=lambda item: item[1]["clips_per_second"])
        for name, batches in results["batches"].items()
        if batches
    }
    if REFERENCE not in best:
        return []
    base = best[REFERENCE][1]["clips_per_second"]
    rows = [
        [name, batch, f"{each['clips_per_second']:,.1f}", f"{each['clips_per_second'] / base:.1f}"]
        for name, (batch, each) in best.items()
    ]
    return [Table("Each at its best batch", ["", "batch", "clips/s", "times the reference"], rows)]


def main() -> None:
    """Find everything out, and say where it is written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=9.0, help="after which nothing further is begun (default: 9)")
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="FOLDER", help=f"default: {RESULTS.name}")
    parser.add_argument("--try-on-cpu", action="store_true", help="go through all parts at a tiny size, without a GPU")
    arguments = parser.parse_args()
    if not (arguments.try_on_cpu or torch.cuda.is_available()):
        parser.error("there is no GPU here; --try-on-cpu goes through all parts at a tiny size.")
    device = "cpu" if arguments.try_on_cpu else "cuda"
    name = re.sub(r"\W+", "-", device_name(device)).strip("-").lower()
    file = arguments.output / f"{name}-{date.today():%Y-%m-%d}.json"
    tiny: dict[str, Any] = {"work": Work(2, 4, 16, 50, 8, 0.125), "batches": (2, 4)} if arguments.try_on_cpu else {}
    report = Report(device, arguments.minutes, file, **tiny)
    console = Console()
    for part, find_out in PARTS.items():
        console.print(f"{part} ...")
        report.add(part, find_out)
    for table in tables(report.results):
        console.print(table.to_rich())
    console.print(f"written: {file} and {file.with_suffix('.md').name}")


if __name__ == "__main__":
    main()
