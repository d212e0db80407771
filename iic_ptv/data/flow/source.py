"""Where the flow of a clip comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from torch import Tensor

from iic_ptv.data.decoding.reader import FrameSize
from iic_ptv.data.index import Video


class FlowSource(Protocol):
    """Gives the optical flow of frames of a video."""

    def frames_needed(self, indices: Sequence[int], num_frames: int) -> list[int]:
        """Numbers of the frames whose pictures :meth:`flow` needs; empty if it needs none.

        Args:
            indices: numbers of the frames to give the flow at, in 0..num_frames - 1.
            num_frames: number of frames in the video.
        """
        ...

    def flow(
        self,
        video: Video,
        indices: Sequence[int],
        pictures: Mapping[int, Tensor],
        num_frames: int,
        size: FrameSize | None = None,
    ) -> Tensor:
        """The flow at frames, in its 8-bit form.

        Args:
            video: whose flow.
            indices: frame numbers, in any order, repeats allowed.
            pictures: uint8 RGB ``(3, H, W)`` by frame number, at least those of :meth:`frames_needed`.
            num_frames: number of frames in the video.
            size: ``(height, width)`` to scale the flow to, as one scales a picture: displacements stay in pixels of
                the pictures that it was computed from. None keeps its size.

        Returns:
            uint8 ``(2, len(indices), H, W)``, u before v, see :func:`~iic_ptv.data.flow.encoding.encode_flow`.

        Raises:
            VideoError: there is no flow of this video, or it cannot be read or computed.
        """
        ...


def flow_source(spec: str) -> FlowSource:
    """The source that a text names.

    Args:
        spec: "dis" or "tvl1" to compute flow, see :class:`~iic_ptv.data.flow.computed.ComputedFlow`; else a folder
            with the sub-folders ``u`` and ``v``, see :class:`~iic_ptv.data.flow.folder.FlowFolder`.

    Raises:
        InputError: OpenCV is not installed, or there is no such folder.
    """
    # Imported here, as flow that lies on disk needs no OpenCV.
    from iic_ptv.data.flow.computed import METHODS, ComputedFlow
    from iic_ptv.data.flow.folder import FlowFolder

    return ComputedFlow(spec) if spec in METHODS else FlowFolder(spec)
