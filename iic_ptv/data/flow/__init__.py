"""Optical flow: computed while clips are read, or read from the pictures that ``iic flow`` wrote.

A flow is a clip ``(2, T, H, W)`` of displacements in pixels: u, to the right, before v, downwards. At frame i it is the
motion from frame i to frame i + 1; the last frame, which has no next, repeats the one before.

Example:
    >>> from iic_ptv.data.flow import flow_source
    >>> source = flow_source("dis")
    >>> source.frames_needed([3, 4, 5], num_frames=20)
    [3, 4, 5, 6]
"""

from iic_ptv.data.flow.encoding import decode_flow, encode_flow
from iic_ptv.data.flow.source import FlowSource, flow_source

__all__ = ["FlowSource", "decode_flow", "encode_flow", "flow_source"]
