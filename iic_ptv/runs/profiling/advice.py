"""What to change first, judging by where the time goes."""

from __future__ import annotations

from iic_ptv.runs.profiling.step_profile import StepProfile
from iic_ptv.runs.profiling.stopwatch import REST
from iic_ptv.step_parts import DATA_WAIT, LOSS, OPTIMIZER, TRANSFORMS

# Shares of a step above which something is worth a change.
MUCH_WAIT, MUCH_LOSS, MUCH_REST, MUCH_TRANSFORMS, MUCH_OPTIMIZER = 0.10, 0.05, 0.20, 0.15, 0.15
FASTER = 1.5  # times as fast as in float32 matrix products must be for bfloat16 to be worth a try
IDLE_MEMORY, IDLE_GPU = 0.4, 0.3  # shares of a GPU's memory, and of its speed, below which a batch is small


def first_thing_to_change(profile: StepProfile) -> str:
    """One sentence on the change that promises most."""
    setting, share = profile.setting, profile.share
    if share[DATA_WAIT] > MUCH_WAIT:
        return _against_waiting(profile)
    if _bfloat16_is_left_out(profile):
        gain = profile.peaks["bfloat16"] / profile.peaks["float32"]
        return (
            f"In bfloat16 matrix products are {gain:.1f} times as fast here as in float32, in which this run computes: "
            "set TRAINER.PRECISION to auto."
        )
    if not setting.channels_last and (setting.on_gpu or setting.dtype != "float32"):
        return f"Convolutions in {setting.dtype} like another order in memory: try TRAINER.CHANNELS_LAST True."
    if share[LOSS] > MUCH_LOSS:
        return (
            f"The loss takes {share[LOSS]:.0%} of the step, mostly to read the memory banks: fewer LOSS.NUM_NEGATIVES, "
            "or LOSS.BANK_PRECISION bfloat16."
        )
    if setting.on_gpu and profile.memory_share < IDLE_MEMORY and profile.peak_share < IDLE_GPU:
        return (
            f"The GPU has more to give, {1 - profile.memory_share:.0%} of its memory among it: raise "
            f"OPTIM.BATCH_SIZE, now {setting.batch_size}, and OPTIM.LR with it."
        )
    if share[REST] > MUCH_REST:
        return f"The loop around the step takes {share[REST]:.0%} of it: with a larger OPTIM.BATCH_SIZE it counts less."
    if share[TRANSFORMS] > MUCH_TRANSFORMS:
        return (
            f"Cropping and augmentation take {share[TRANSFORMS]:.0%} of the step: bring videos to DATA.FRAME_SIZE "
            "beforehand (`iic prepare`), or try DATA.AUGMENTATION crop."
        )
    if share[OPTIMIZER] > MUCH_OPTIMIZER:
        return (
            f"The optimiser takes {share[OPTIMIZER]:.0%} of the step: a larger OPTIM.BATCH_SIZE, or OPTIM.ACCUMULATE, "
            "makes its steps rarer."
        )
    return (
        f"Nothing: convolutions take {profile.convolution_share:.0%} of the step, and the rest is small. Faster than "
        "this is a smaller network, fewer or smaller frames, or another machine."
    )


def _against_waiting(profile: StepProfile) -> str:
    setting = profile.setting
    text = f"The step waits for clips {profile.share[DATA_WAIT]:.0%} of the time: "
    if setting.num_workers < setting.num_cores - 1:
        return (
            f"{text}let more processes decode (DATA.NUM_WORKERS, now {setting.num_workers}; there are "
            f"{setting.num_cores} cores), or transcode the videos once, with `iic prepare`."
        )
    return f"{text}transcode the videos once, with `iic prepare`, so that clips are read several times as fast."


def _bfloat16_is_left_out(profile: StepProfile) -> bool:
    setting, peaks = profile.setting, profile.peaks
    by_choice = setting.dtype == "float32" and not setting.precision_was_chosen
    return by_choice and peaks["bfloat16"] > FASTER * peaks["float32"]
