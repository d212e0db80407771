"""What every decoder offers."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, TypeVar

from torch import Tensor

from iic_ptv.data.decoding.frame_index import FrameIndex

FrameSize = tuple[int, int]
Reader = TypeVar("Reader", bound="VideoReader")


class VideoReader(Protocol):
    """A video whose frames are addressed by number, exactly.

    Attributes:
        path: the file.
        index: what is known of its frames without decoding.
    """

    path: str
    index: FrameIndex

    @property
    def num_frames(self) -> int:
        """Number of frames that a player would show."""
        return self.index.num_frames

    @property
    def frame_rate(self) -> float:
        """Mean frames per second; 0 if the file does not tell."""
        return self.index.frame_rate

    def frames(self, indices: Sequence[int], size: FrameSize | None = None) -> Tensor:
        """Decode frames by number.

        Args:
            indices: frame numbers in 0..num_frames - 1, in any order, repeats allowed.
            size: ``(height, width)`` to scale the frames to, as they are displayed; None keeps theirs.

        Returns:
            uint8 RGB ``(3, len(indices), H, W)``, turned upright where the file says how the camera was held.

        Raises:
            VideoError: a frame cannot be decoded.
            IndexError: a number is out of range, or there is none.
        """
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...

    def __enter__(self: Reader) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def check_indices(indices: Sequence[int], num_frames: int) -> None:
    """Raise an IndexError unless there are frame numbers, all within the video."""
    if not indices or min(indices) < 0 or max(indices) >= num_frames:
        raise IndexError(f"Frame numbers must be in 0..{num_frames - 1}, got {list(indices)}.")
