"""Optical flow computed with OpenCV."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from iic_ptv.data.decoding import VideoError
from iic_ptv.data.decoding.reader import FrameSize
from iic_ptv.data.flow.encoding import BOUND, encode_flow
from iic_ptv.data.index import Video
from iic_ptv.errors import InputError

METHODS = ("dis", "tvl1")


class ComputedFlow:
    """Flow that is computed from the pictures of a clip; a :class:`~iic_ptv.data.flow.source.FlowSource`.

    Args:
        method: "dis", dense inverse search (Kroeger et al., 2016), less than a millisecond for a frame of 128 x 171; or
            "tvl1", dual TV-L1 (Zach et al., 2007), the flow of the paper, hundreds of times slower.
        bound: displacement in pixels at which the 8-bit form is cut off.

    Raises:
        InputError: there is no such method, or OpenCV is not installed.
    """

    def __init__(self, method: str = "dis", bound: float = BOUND) -> None:
        if method not in METHODS:
            raise InputError(f"flow: there is no method '{method}'; choose one of {', '.join(METHODS)}.")
        if bound <= 0:
            raise InputError(f"flow: the bound must be more than 0 pixels, got {bound:g}.")
        self.method = method
        self.bound = bound
        _opencv()  # so that it shows at once if it is missing

    def frames_needed(self, indices: Sequence[int], num_frames: int) -> list[int]:
        """See :meth:`FlowSource.frames_needed`."""
        return sorted({frame for index in indices for frame in _pair(index, num_frames)})

    def flow(
        self,
        video: Video,
        indices: Sequence[int],
        pictures: Mapping[int, Tensor],
        num_frames: int,
        size: FrameSize | None = None,
    ) -> Tensor:
        """See :meth:`FlowSource.flow`."""
        pairs = [_pair(index, num_frames) for index in indices]
        grey = {frame: _grey(pictures[frame]) for pair in pairs for frame in pair}
        try:
            motion = {(first, second): self._motion(grey[first], grey[second]) for first, second in set(pairs)}
        except _opencv().error as error:
            shape = " x ".join(map(str, grey[pairs[0][0]].shape))
            raise VideoError(f"OpenCV cannot compute the flow of its frames of {shape} pixels", video.path) from error
        flow = torch.stack([motion[pair] for pair in pairs], dim=1)
        if size is not None and size != flow.shape[-2:]:
            flow = interpolate(flow, size, mode="bilinear", antialias=True)
        return encode_flow(flow, self.bound)

    def _motion(self, first: Any, second: Any) -> Tensor:
        """Displacements ``(2, H, W)`` in pixels from one grey picture to another."""
        return torch.from_numpy(_algorithm(self.method).calc(first, second, None)).permute(2, 0, 1)


def _pair(index: int, num_frames: int) -> tuple[int, int]:
    """The two frames between which the motion at a frame is; a video of one frame does not move."""
    first = max(min(index, num_frames - 2), 0)
    return first, min(first + 1, num_frames - 1)


def _grey(picture: Tensor) -> Any:
    """A picture ``(3, H, W)`` as OpenCV takes it, uint8 ``(H, W)``."""
    cv2 = _opencv()
    return cv2.cvtColor(picture.permute(1, 2, 0).contiguous().numpy(), cv2.COLOR_RGB2GRAY)


@functools.cache  # once for every process: it cannot be sent to another
def _algorithm(method: str) -> Any:
    cv2 = _opencv()
    # One thread each: data loaders run a process per core, and threads would not survive their fork.
    cv2.setNumThreads(0)
    if method == "tvl1":
        return cv2.optflow.DualTVL1OpticalFlow_create()
    return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)


def _opencv() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise InputError(
            f'computing optical flow takes OpenCV, which cannot be imported ({error}): pip install "iic-ptv[flow]".'
        ) from error
    return cv2
