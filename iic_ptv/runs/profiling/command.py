"""What ``iic profile`` does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fvcore.common.config import CfgNode

from iic_ptv.errors import InputError
from iic_ptv.runs.build import SCENES
from iic_ptv.runs.folder import describe_run, joint_run_folder, write_json
from iic_ptv.runs.pretraining.command import pretrain_config
from iic_ptv.runs.pretraining.pretrain import run_name
from iic_ptv.runs.profiling.advice import first_thing_to_change
from iic_ptv.runs.profiling.measure import profile_pretraining
from iic_ptv.runs.profiling.shown import show
from iic_ptv.runs.profiling.step_profile import StepProfile
from iic_ptv.runs.profiling.steps import WatchSteps
from iic_ptv.runs.profiling.videos import render_videos
from iic_ptv.runs.terminal import say

TRACE, NUMBERS = "trace.json", "profile.json"


def profile_command(
    config: str | None, data: str | None, overrides: Sequence[str], num_steps: int, output: str | None
) -> Path:
    """Profile the first steps of a pre-training.

    Args:
        config: YAML file that changes some of the defaults.
        data: folder of videos; None: those of the configuration, or, if it names none, rendered ones.
        overrides: ``KEY VALUE`` pairs.
        num_steps: how many to take times of.
        output: folder for the trace and the numbers; None: a new run folder.

    Returns:
        The folder.

    Raises:
        InputError: something that was asked for cannot be used.
    """
    if num_steps < 1:
        raise InputError(f"--steps: expected 1 or more, got {num_steps}.")
    cfg = pretrain_config(config, data, overrides)
    if not cfg.DATA.ROOT and cfg.DATA.KIND != SCENES:
        cfg.DATA.ROOT = str(render_videos(cfg))
    with _folder(cfg, output) as folder:
        watched = WatchSteps(num_steps)
        profile = profile_pretraining(cfg, watched)
        advice = first_thing_to_change(profile)
        describe_run(folder, cfg.dump())
        write_json(folder / NUMBERS, {**numbers(profile), "first_thing_to_change": advice})
        watched.profiler.export_chrome_trace(str(folder / TRACE))
    show(profile, advice)
    say(f"trace, for https://ui.perfetto.dev: {folder / TRACE}")
    say(f"numbers: {folder / NUMBERS}")
    return folder


def numbers(profile: StepProfile) -> dict[str, Any]:
    """All that is measured and what follows from it, for machines to read."""
    share, mean, median = profile.share, profile.mean, profile.median
    return {
        "setting": asdict(profile.setting),
        "steps": len(profile.laps),
        "parts": {
            part: {"ms": 1000 * mean[part], "median_ms": 1000 * median[part], "share": share[part]} for part in share
        },
        "step_ms": 1000 * profile.seconds,
        "clips_per_second": profile.clips_per_second,
        "operations": profile.operations,
        "operations_per_second": profile.speed,
        "peak_operations_per_second": dict(profile.peaks),
        "peak_share": profile.peak_share,
        "convolution_share": profile.convolution_share,
        "memory_gb": profile.memory_gb,
        "device_memory": profile.device_memory,
    }


@contextmanager
def _folder(cfg: CfgNode, output: str | None) -> Iterator[Path]:
    if output is None:
        with joint_run_folder(cfg.OUTPUT, "profile", run_name(cfg)) as folder:
            yield folder
        return
    try:
        Path(output).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--output: {output} cannot be made ({error.strerror}); name another folder.") from error
    yield Path(output)
