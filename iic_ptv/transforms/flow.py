"""Optical flow as a view: one component, repeated to three channels."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from iic_ptv.errors import InputError
from iic_ptv.transforms.clip import Draws, RandomTransform, check_clip, draw_event, per_clip

COMPONENTS = ("u", "v")


def flow_channel(flow: Tensor, channel: Literal["u", "v"] = "u") -> Tensor:
    """Take one component of the optical flow and repeat it to three channels, so that one network serves all views.

    Args:
        flow: ``(..., 2, T, H, W)``, the horizontal component u before the vertical one v; in [0, 1] with
            0.5 for no motion where it comes from the usual 8-bit flow images.
        channel: ``"u"`` or ``"v"``.

    Returns:
        ``(..., 3, T, H, W)``, a view of ``flow``'s memory.

    Raises:
        InputError: ``flow`` has not two channels, or there is no such component.
    """
    check_clip(flow)
    if channel not in COMPONENTS:
        raise InputError(f"flow channel: expected one of {', '.join(COMPONENTS)}, got '{channel}'.")
    if flow.shape[-4] != 2:
        raise InputError(f"flow: expected two channels (u, v) in (..., 2, T, H, W), got shape {tuple(flow.shape)}.")
    component = flow.narrow(-4, COMPONENTS.index(channel), 1)
    return component.expand(*flow.shape[:-4], 3, *flow.shape[-3:])


class FlowChannel(nn.Module):
    """The views u and v of the paper: :func:`flow_channel` as a module; reads the sample's entry ``flow``."""

    modality_key = "flow"

    def __init__(self, channel: Literal["u", "v"] = "u") -> None:
        super().__init__()
        self.channel = channel

    def forward(self, flow: Tensor) -> Tensor:
        """Return ``(..., 3, T, H, W)`` from a flow ``(..., 2, T, H, W)``."""
        return flow_channel(flow, self.channel)

    def extra_repr(self) -> str:
        """Show the option."""
        return f"channel={self.channel!r}"


class FlowFlip(RandomTransform):
    """Mirror a flow ``(..., 2, T, H, W)`` in [0, 1] left to right: what moved right moves left.

    Draws as :class:`~iic_ptv.transforms.augment.HorizontalFlip` does, so that with generators seeded alike a video
    and its flow are mirrored together.
    """

    def __init__(self, probability: float = 0.5) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, flow: Tensor, generator: Draws = None) -> Tensor:
        """Return the flow or its mirror image, in which u changes its sign: 1 - u, as 0.5 is no motion."""
        u, v = flow.flip(-1).split(1, dim=-4)
        mirrored = per_clip(draw_event(flow, self.probability, generator))
        return torch.where(mirrored, torch.cat([1 - u, v], dim=-4), flow)
