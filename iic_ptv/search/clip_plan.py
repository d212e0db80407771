"""Where in a video the clips of an index lie."""

from __future__ import annotations

import math
from dataclasses import dataclass

from iic_ptv.data.decoding.frame_index import FrameIndex
from iic_ptv.errors import InputError


@dataclass(frozen=True)
class ClipPlan:
    """A clip every so many seconds, so that a long video gets more of them, within bounds.

    Attributes:
        every: seconds from one clip to the next, at most; the bounds come first.
        least: clips of a short video.
        most: clips of a long one.

    Raises:
        InputError: a number cannot be used.

    Example:
        >>> ClipPlan(every=2, least=1, most=3).starts(FrameIndex(num_frames=500, frame_rate=25), span=16)
        [0, 242, 484]
    """

    every: float = 2.0
    least: int = 4
    most: int = 1000

    def __post_init__(self) -> None:
        if not (0 < self.every < math.inf and 1 <= self.least <= self.most):
            raise InputError(
                f"There must be a clip every so many seconds, more than 0, and at least 1 and not more at the least "
                f"than at the most; got one every {self.every:g} s, {self.least} at least and {self.most} at most."
            )

    def starts(self, frames: FrameIndex, span: int) -> list[int]:
        """First frames of clips that are spread evenly over the time of a video, from its begin to its end.

        Args:
            frames: the frames of the video.
            span: frames from the first of a clip to its last.

        Returns:
            Ascending numbers of frames; fewer than planned where a video has not that many different clips.
        """
        last = max(frames.num_frames - span, 0)
        end = frames.seconds(last)
        count = min(max(math.ceil(end / self.every) + 1, self.least), self.most)
        times = [end * number / max(count - 1, 1) for number in range(count)]
        return sorted({min(frames.frame_at(time), last) for time in times})
