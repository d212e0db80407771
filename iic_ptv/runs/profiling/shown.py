"""A profile on the terminal."""

from __future__ import annotations

import statistics

from rich.table import Table

from iic_ptv.runs.profiling.step_profile import PARTS, StepProfile
from iic_ptv.runs.profiling.stopwatch import REST
from iic_ptv.runs.terminal import console, counted, say
from iic_ptv.step_parts import (
    BACKWARD,
    DATA_WAIT,
    FORWARD,
    FORWARD_NEGATIVE,
    LOSS,
    OPTIMIZER,
    TRANSFER,
    TRANSFORMS,
    VIEWS,
)

BAR = 30  # characters of a part that is all of the step
LABELS = {
    DATA_WAIT: "waiting for clips",
    TRANSFER: "transfer to the device",
    TRANSFORMS: "cropping, augmentation",
    VIEWS: "views, intra-negative",
    FORWARD: "forward",
    FORWARD_NEGATIVE: "forward, intra-negative",
    LOSS: "loss and memory banks",
    BACKWARD: "backward",
    OPTIMIZER: "optimiser",
    REST: "loop, logging",
}
GIGA, TERA = 1e9, 1e12


def show(profile: StepProfile, advice: str) -> None:
    """Print what a newcomer wants to know, and what to change first."""
    console.print()
    console.print(parts_table(profile))
    console.print()
    facts = summary(profile)
    for name, fact in facts.items():
        say(f"{name:<{max(map(len, facts))}}  {fact}")
    console.print()
    say(f"The first thing to change: {advice}", style="bold")
    console.print()


def parts_table(profile: StepProfile) -> Table:
    """The parts of a step, in their order."""
    table = Table(box=None, pad_edge=False)
    table.add_column(f"where {counted(len(profile.laps), 'step')} went", no_wrap=True)
    for name in ("ms, mean", "median", "share"):
        table.add_column(name, justify="right", no_wrap=True, style="dim" if name == "median" else None)
    table.add_column("", no_wrap=True, style="cyan")
    mean, median, share = profile.mean, profile.median, profile.share
    for part in PARTS:
        bar = "█" * round(BAR * share[part])
        table.add_row(LABELS[part], _ms(mean[part]), _ms(median[part]), f"{100 * share[part]:.1f} %", bar)
    whole = [sum(lap.values()) for lap in profile.laps]
    # On a GPU each part was waited for, which takes longer than the step by itself, whose speed is told below.
    label = "a step, part by part" if profile.setting.on_gpu else "a step"
    table.add_row(label, _ms(statistics.fmean(whole)), _ms(statistics.median(whole)), "100.0 %", style="bold")
    return table


def summary(profile: StepProfile) -> dict[str, str]:
    """What else there is to tell, by what it is about."""
    setting = profile.setting
    what = [setting.precision, *(["channels last"] if setting.channels_last else [])]
    what += ["compiled"] if setting.compiled else []
    memory = f"{profile.memory_gb:.1f} GB"
    if setting.on_gpu:
        memory += f", and {profile.device_memory / GIGA:.1f} of the GPU's {setting.device_memory / GIGA:.0f} GB"
    peak = profile.peaks[setting.dtype]
    return {
        "on": f"{setting.device}, {', '.join(what)}",
        "speed": f"{profile.clips_per_second:.3g} clips/s, {setting.clips} a step",
        "memory": f"{memory} at most",
        "arithmetic": f"{_flop(profile.operations)} a step, {_flop(profile.speed)}/s: {profile.peak_share:.0%} of the "
        f"{_flop(peak)}/s of a large matrix product in {setting.dtype}",
        "convolutions": f"{profile.convolution_share:.0%} of the step",
    }


def _flop(operations: float) -> str:
    """Floating-point operations in a unit of readable size."""
    return f"{operations / TERA:.3g} TFLOP" if operations >= TERA else f"{operations / GIGA:.3g} GFLOP"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:,.1f}"
