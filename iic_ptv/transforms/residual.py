"""Residual frames, the view that shows only what moves."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from iic_ptv.transforms.clip import TIME, check_clip


def residual(clip: Tensor, scaled: bool = True, cyclic: bool = True) -> Tensor:
    """Subtract from each frame the one before it.

    Args:
        clip: ``(..., C, T, H, W)`` of floats, in [0, 1] where ``scaled``.
        scaled: map differences from [-1, 1] to [0, 1] by ``(d + 1) / 2``, as IIC does for pre-training.
            Without it the differences stay as they are, as IICv2 and IIC's fine-tuning have them.
        cyclic: the first residual is the first frame minus the *last*, as in the reference. Otherwise
            it repeats the second residual, so that no difference jumps over the whole clip.

    Returns:
        Residual frames of the clip's shape, in [0, 1] where ``scaled``, else in [-1, 1].

    Example:
        >>> residual(torch.rand(2, 3, 16, 112, 112)).shape
        torch.Size([2, 3, 16, 112, 112])
    """
    check_clip(clip, floating=True)
    if cyclic or clip.shape[TIME] == 1:
        difference = clip - clip.roll(1, dims=TIME)
    else:
        difference = clip.diff(dim=TIME)
        difference = torch.cat([difference.narrow(TIME, 0, 1), difference], dim=TIME)
    return difference.add(1).div(2) if scaled else difference


class Residual(nn.Module):
    """View 2 of the paper by default: :func:`residual` as a module."""

    modality_key = "video"

    def __init__(self, scaled: bool = True, cyclic: bool = True) -> None:
        super().__init__()
        self.scaled = scaled
        self.cyclic = cyclic

    def forward(self, clip: Tensor) -> Tensor:
        """Return the residual frames of ``clip``, of the same shape."""
        return residual(clip, self.scaled, self.cyclic)

    def extra_repr(self) -> str:
        """Show the options."""
        return f"scaled={self.scaled}, cyclic={self.cyclic}"
