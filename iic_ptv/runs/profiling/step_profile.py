"""What a profile says, in numbers."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iic_ptv.runs.profiling.stopwatch import REST
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

PARTS = (  # in the order of a step
    *(DATA_WAIT, TRANSFER, TRANSFORMS, VIEWS, FORWARD, FORWARD_NEGATIVE, LOSS, BACKWARD, OPTIMIZER),
    REST,
)


@dataclass(frozen=True)
class Setting:
    """What was profiled, as far as advice hangs on it.

    Attributes:
        device: its name.
        on_gpu: whether that is a GPU.
        precision: as Lightning has them.
        precision_was_chosen: whether it came from ``TRAINER.PRECISION auto``.
        channels_last: the order of clips in memory.
        compiled: whether the networks are.
        batch_size: clips of a forward pass.
        accumulate: batches of a step.
        num_workers: processes that decode.
        num_cores: of the processor, as far as this process may use them.
        device_memory: of the GPU, in bytes; 0 on a CPU.
    """

    device: str
    on_gpu: bool
    precision: str
    precision_was_chosen: bool
    channels_last: bool
    compiled: bool
    batch_size: int
    accumulate: int
    num_workers: int
    num_cores: int
    device_memory: int = 0

    @property
    def clips(self) -> int:
        """Of a step."""
        return self.batch_size * self.accumulate

    @property
    def dtype(self) -> str:
        """What convolutions compute in."""
        return "bfloat16" if "bf16" in self.precision else "float16" if "16" in self.precision else "float32"


@dataclass(frozen=True)
class StepProfile:
    """Where the time of a step goes.

    Attributes:
        setting: what was profiled.
        laps: of each step, the seconds of its parts.
        seconds: of a step when no part is waited for; on CPUs the mean of all laps.
        operations: floating-point operations of a step.
        peaks: operations per second that a matrix product reaches on the device, by the type of its numbers.
        convolution_share: share of the time in convolutions.
        memory_gb: greatest memory of this process and of the largest of those that decode.
        device_memory: bytes of the GPU's memory that were needed at most; 0 on a CPU.
    """

    setting: Setting
    laps: Sequence[Mapping[str, float]]
    seconds: float
    operations: int
    peaks: Mapping[str, float]
    convolution_share: float
    memory_gb: float
    device_memory: int = 0

    @property
    def mean(self) -> dict[str, float]:
        """Seconds of each part, the mean of all steps: waiting for data comes in bursts, which a median hides."""
        return {part: statistics.fmean(lap.get(part, 0.0) for lap in self.laps) for part in PARTS}

    @property
    def median(self) -> dict[str, float]:
        """Seconds of each part in the median step."""
        return {part: statistics.median(lap.get(part, 0.0) for lap in self.laps) for part in PARTS}

    @property
    def share(self) -> dict[str, float]:
        """Of each part in the time of all steps."""
        whole = sum(self.mean.values())
        return {part: seconds / whole for part, seconds in self.mean.items()}

    @property
    def clips_per_second(self) -> float:
        """How many clips are trained on."""
        return self.setting.clips / self.seconds

    @property
    def speed(self) -> float:
        """Floating-point operations per second."""
        return self.operations / self.seconds

    @property
    def memory_share(self) -> float:
        """How much of the GPU's memory was needed; 1 on a CPU, whose memory is also others'."""
        return self.device_memory / self.setting.device_memory if self.setting.on_gpu else 1.0

    @property
    def peak_share(self) -> float:
        """That speed, as a share of what a matrix product reaches in the same precision."""
        return self.speed / self.peaks[self.setting.dtype]
