"""How a training step would scale to many nodes: a simulation from measured costs and stated speeds of links.

    python -m projects.benchmarks.scaling

What it finds goes into ``scaling.json``, ``scaling.png`` and the tables of the README. It takes a minute or two.
Nothing ran on more than one machine: it says what to expect, and what to do where it bends.
"""

from __future__ import annotations

import json
import math
import statistics
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch

from iic_ptv.losses import MemoryBank
from projects.benchmarks import bank_costs, data
from projects.benchmarks.steps import BFLOAT16, PAPER, Work, run
from projects.benchmarks.tables import Table
from projects.benchmarks.timing import in_new_process

SECTION = "scaling"
RESULTS = Path(__file__).with_name("scaling.json")
PLOT = Path(__file__).with_name("scaling.png")
PROCESSES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
STEPS = 400  # of each simulation
PARAMETERS = 14_361_792  # of R3D
FLOAT = 4  # bytes
BUCKET = 25 * 2**20  # bytes of gradients that DDP sends at once; the last bucket has nothing left to hide behind
BACKWARD = 4 / 7  # of the convolutions of a step; the gradients of two of three passes, each twice a pass
LATENCY = 20e-6  # seconds of a message
OPERATIONS_PER_CLIP = 280e9  # of a step of R3D: seven times the 40 GFLOP of a pass
VIDEOS = 240_000  # N; as many as in Kinetics-400
WORDS = {"waiting": "waiting for others and for gradients", "banks": "the banks", "data": "decoding"}


@dataclass(frozen=True)
class Machine:
    """Nodes of a kind, and what a step costs one process there.

    Attributes:
        name: what they are.
        per_node: processes of a node.
        batch: clips of a process.
        compute: seconds of forward and backward passes, and of the optimiser.
        loss: seconds of the loss without the update of the banks.
        update: seconds of the update of the banks for one clip of any process.
        variation: deviation of the time of a step by its mean.
        within: bytes per second of a process to others on its node.
        between: bytes per second of a process to other nodes.
        clips_per_second: that the processes which decode for one process make.
    """

    name: str
    per_node: int
    batch: int
    compute: float
    loss: float
    update: float
    variation: float
    within: float
    between: float
    clips_per_second: float


@dataclass(frozen=True)
class Contrast:
    """The banks and what is drawn of them.

    Attributes:
        feature_dim: D.
        num_negatives: K.
        sharded: whether each process holds its share of the banks alone.
    """

    feature_dim: int = 512
    num_negatives: int = 1024
    sharded: bool = False


def simulate(machine: Machine, contrast: Contrast, processes: int, seed: int = 0) -> dict[str, float]:
    """The mean step of so many processes that wait for each other at its end.

    Returns:
        Milliseconds of its parts, in which ``waiting`` is for the slowest process and for gradients that are under way,
        and ``efficiency``, the clips per second of a process by those of one that is alone.
    """
    alone = _alone(machine)
    draws = np.random.default_rng(seed).normal(size=(STEPS, processes))
    slowest = float(machine.compute * np.exp(machine.variation * draws).max(axis=1).mean())
    gradients = _exposed(machine, processes)
    banks = _bank_seconds(machine, contrast, processes)
    step = slowest + machine.loss + gradients + banks
    fed = max(step, machine.batch / machine.clips_per_second)
    return {
        "compute_ms": 1000 * machine.compute,
        "waiting_ms": 1000 * (slowest - machine.compute + gradients),
        "banks_ms": 1000 * (machine.loss + banks),
        "data_ms": 1000 * (fed - step),
        "step_ms": 1000 * fed,
        "efficiency": alone / fed,
    }


def _alone(machine: Machine) -> float:
    """Seconds of a step of one process, which waits for nobody."""
    step = machine.compute + machine.loss + machine.batch * machine.update
    return max(step, machine.batch / machine.clips_per_second)


def _exposed(machine: Machine, processes: int) -> float:
    """Seconds of sending gradients that the backward pass does not hide."""
    whole = _all_reduce(machine, processes, PARAMETERS * FLOAT)
    last = _all_reduce(machine, processes, min(BUCKET, PARAMETERS * FLOAT))
    return max(whole - BACKWARD * machine.compute, last)


def _all_reduce(machine: Machine, processes: int, size: float) -> float:
    """Seconds: within nodes first, then each process of a node sends its part to those of the other nodes."""
    local, nodes = min(processes, machine.per_node), math.ceil(processes / machine.per_node)
    within = 2 * (local - 1) / local * size / machine.within
    between = 2 * (nodes - 1) / nodes * size / local / machine.between
    return within + between + 2 * LATENCY * (math.log2(local) + math.log2(nodes))


def _bank_seconds(machine: Machine, contrast: Contrast, processes: int) -> float:
    """Seconds of keeping banks the same everywhere, or of getting rows from where they are."""
    costs = bank_costs.sharded if contrast.sharded else bank_costs.replicated
    sizes = {"feature_dim": contrast.feature_dim, "batch": machine.batch, "negatives": contrast.num_negatives}
    received = costs(VIDEOS, processes, **sizes)
    speed = machine.within if processes <= machine.per_node else machine.between
    messages = 4 if contrast.sharded else math.log2(processes)
    mixed = machine.batch * (1 if contrast.sharded else processes)
    return mixed * machine.update + (received.lookup + received.update) / speed + messages * LATENCY * (processes > 1)


def measured_machine(steps: int = 8, work: Work = PAPER) -> Machine:
    """This machine's processor as a node; links of 10 Gbit/s between nodes."""
    done = in_new_process(run, BFLOAT16, work, steps)
    seconds = done["seconds"]
    decoding = json.loads(data.RESULTS.read_text())["loader"]
    return Machine(
        name="this CPU, 10 Gb/s",
        per_node=1,
        batch=work.batch,
        compute=statistics.median(seconds),
        loss=0.0,  # within the step
        update=seconds_of_an_update(),
        variation=statistics.stdev(map(math.log, seconds)),
        within=10e9,
        between=10e9 / 8,
        clips_per_second=decoding["clips_per_s"]["ours prepared"],
    )


def seconds_of_an_update(rows: int = 2048, num_videos: int = 240_000, feature_dim: int = 512, rounds: int = 5) -> float:
    """What it costs to mix the features of one clip into three banks."""
    bank = MemoryBank(3, num_videos, feature_dim)
    taken = []
    for _ in range(rounds):
        features, index = torch.randn(3, rows, feature_dim), torch.randint(num_videos, (rows,))
        began = time.perf_counter()
        bank.update(features, index)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) / rows


def assumed_gpus(update: float, batch: int = 64, tflops: float = 320.0, cores: int = 12) -> Machine:
    """Nodes of eight H100: what they compute is assumed, 40 % of 800 TFLOP/s, as no GPU was at hand.

    Args:
        update: seconds of an update here; there it is as much faster as memory is, 3 TB/s to 20 GB/s.
        batch: clips of a GPU.
        tflops: of its convolutions.
        cores: that decode for a GPU.
    """
    decoding = json.loads(data.RESULTS.read_text())["loader"]
    return Machine(
        name="8 H100, 400 Gb/s each",
        per_node=8,
        batch=batch,
        compute=OPERATIONS_PER_CLIP * batch / (1e12 * tflops),
        loss=0.0005,
        update=update * 20 / 3000,
        variation=0.02,
        within=450e9,
        between=50e9,
        clips_per_second=1000 * cores / decoding["cpu_ms_per_clip"]["ours prepared"],
    )


def measure(folder: Path, processes: tuple[int, ...] = PROCESSES, steps: int = 8, work: Work = PAPER) -> dict[str, Any]:
    """Simulate all machines and kinds of banks.

    Args:
        folder: not needed.
        processes: numbers of them.
        steps: that are measured on this machine.
        work: what these are of.
    """
    cpu = measured_machine(steps, work)
    gpus = assumed_gpus(cpu.update)
    cases = [
        (gpus, Contrast()),
        (gpus, Contrast(sharded=True)),
        (gpus, Contrast(feature_dim=128, num_negatives=16_384, sharded=True)),
        (replace(gpus, name="8 H100, 25 Gb/s a node", between=25e9 / 8 / 8), Contrast()),
        (cpu, Contrast()),
        (cpu, Contrast(sharded=True)),
    ]
    return {
        "processes": list(processes),
        "cases": [
            {
                "machine": asdict(machine),
                "contrast": asdict(contrast),
                "steps": [simulate(machine, contrast, number) for number in processes],
            }
            for machine, contrast in cases
        ],
    }


def _label(case: dict[str, Any]) -> str:
    contrast = case["contrast"]
    kind = "sharded" if contrast["sharded"] else "replicated"
    return f"{case['machine']['name']}; {kind}, D {contrast['feature_dim']}, K {contrast['num_negatives']:,}"


def bend(case: dict[str, Any], processes: list[int], lowest: float = 0.9) -> tuple[int, str] | None:
    """The first number of processes with less than 90 % of the speed of one alone, and which part has grown most."""
    for number, step in zip(processes, case["steps"], strict=True):
        if step["efficiency"] < lowest:
            parts = {name: step[f"{name}_ms"] - case["steps"][0][f"{name}_ms"] for name in ("waiting", "banks", "data")}
            return number, max(parts, key=lambda name: parts[name])
    return None


def tables(results: dict[str, Any]) -> list[Table]:
    """Efficiency by the number of processes, and where it bends."""
    shown = [number for number in results["processes"] if number in (1, 8, 64, 256, 1024)]
    rows = []
    for case in results["cases"]:
        found = bend(case, results["processes"])
        by_number = dict(zip(results["processes"], case["steps"], strict=True))
        rows.append(
            [
                _label(case),
                f"{by_number[shown[0]]['step_ms']:,.0f}",
                *(f"{100 * by_number[number]['efficiency']:.0f} %" for number in shown[1:]),
                "not up to here" if found is None else f"at {found[0]:,}: {WORDS[found[1]]}",
            ]
        )
    columns = ["", "step of one, ms", *(f"{number:,} processes" for number in shown[1:]), "below 90 %"]
    return [Table("Simulated: speed of a process among others, by its speed alone", columns, rows)]


def plot(results: dict[str, Any], path: Path = PLOT) -> None:
    """Draw the efficiency of all cases."""
    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    for case in results["cases"]:
        style = "--" if case["contrast"]["sharded"] else "-"
        axes.plot(results["processes"], [100 * s["efficiency"] for s in case["steps"]], style, label=_label(case))
    axes.set(xscale="log", xlabel="processes", ylabel="speed of a process, % of one alone", ylim=(0, 105))
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def main() -> None:
    """Simulate, show the table, and write ``scaling.json``, ``scaling.png`` and the README's table."""
    data.measure_alone(SECTION, RESULTS)
    plot(json.loads(RESULTS.read_text()))


if __name__ == "__main__":
    main()
