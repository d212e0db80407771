"""The first thing to change, by where the time goes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iic_ptv.runs.profiling.advice import first_thing_to_change
from iic_ptv.runs.profiling.step_profile import PARTS, Setting, StepProfile

CPU = Setting(
    device="cpu", on_gpu=False, precision="32-true", precision_was_chosen=True, channels_last=True, compiled=False,
    batch_size=16, accumulate=1, num_workers=2, num_cores=2,
)  # fmt: skip
GPU = replace(CPU, device="H100", on_gpu=True, precision="bf16-mixed", num_cores=16, device_memory=80 * 10**9)
PEAKS = {"float32": 1e12, "bfloat16": 1.2e12}


def profile(setting: Setting = CPU, **changes) -> StepProfile:
    """Of two steps of a second, whose parts take the shares that are given and forward and backward the others."""
    shares = {part.replace(" ", "_"): changes.pop(part.replace(" ", "_"), 0.0) for part in PARTS}
    left = 1 - sum(shares.values())
    lap = {part: shares[part.replace(" ", "_")] for part in PARTS}
    lap["forward"], lap["backward"] = left / 3, 2 * left / 3
    made = StepProfile(setting, [lap, lap], 1.0, 8 * 10**11, PEAKS, 0.85, 3.0, 50 * 10**9 if setting.on_gpu else 0)
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("profiled", "expected"),
    [
        (profile(), "Nothing: convolutions take 85% of the step"),
        (profile(GPU), "Nothing: convolutions"),
        (profile(data_wait=0.2), "waits for clips 20% of the time: transcode the videos once, with `iic prepare`"),
        (profile(GPU, data_wait=0.2), "let more processes decode (DATA.NUM_WORKERS, now 2; there are 16 cores)"),
        (profile(data_wait=0.2, loss=0.7), "waits for clips"),
        (
            profile(replace(CPU, precision_was_chosen=False), peaks={"float32": 1e12, "bfloat16": 3e12}),
            "3.0 times as fast here as in float32, in which this run computes: set TRAINER.PRECISION to auto",
        ),
        (profile(peaks={"float32": 1e12, "bfloat16": 3e12}), "Nothing"),  # it was tried out for this network
        (profile(replace(CPU, precision_was_chosen=False)), "Nothing"),  # bfloat16 is hardly faster here
        (profile(replace(GPU, channels_last=False)), "try TRAINER.CHANNELS_LAST True"),
        (profile(loss=0.06), "The loss takes 6% of the step"),
        (
            profile(GPU, device_memory=8 * 10**9, peaks={"float32": 1e12, "bfloat16": 1e13}),
            "90% of its memory among it: raise OPTIM.BATCH_SIZE, now 16",
        ),
        (profile(GPU, device_memory=8 * 10**9), "Nothing"),  # it is busy all the same
        (profile(rest=0.3), "The loop around the step takes 30% of it"),
        (profile(transforms=0.3), "Cropping and augmentation take 30%"),
        (profile(optimiser=0.3), "The optimiser takes 30%"),
    ],
)
def test_the_first_thing_to_change(profiled: StepProfile, expected: str) -> None:
    advice = first_thing_to_change(profiled)
    assert expected in advice
    assert advice.endswith(".")


def test_what_follows_from_the_numbers() -> None:
    made = profile(data_wait=0.25)
    assert made.share["data wait"] == pytest.approx(0.25)
    assert sum(made.share.values()) == pytest.approx(1)
    assert made.clips_per_second == 16
    assert made.peak_share == pytest.approx(0.8)
