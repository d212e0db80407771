"""How clips pass through a network: always as many at once, in the layout and the precision that are fast."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from iic_ptv.errors import InputError

# How many clips pass through a network at once, always: convolutions of another batch size may differ in the last bits,
# and features would then depend on how many videos happen to be in a batch.
CLIPS_PER_FORWARD = 16

FULL_PRECISION = "32-true"
MIXED_PRECISIONS = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
PRECISIONS = (FULL_PRECISION, *MIXED_PRECISIONS)


@torch.inference_mode()
def embed_clips(network: nn.Module, view: nn.Module, clips: Tensor, precision: str = FULL_PRECISION) -> Tensor:
    """Features of clips, each independent of the others to the last bit.

    Args:
        network: ``(B, C, T, H, W) -> (B, D)``, in eval mode.
        view: what turns clips into what the network sees.
        clips: ``(N, C, T, H, W)``, in [0, 1], where the network is.
        precision: one of :data:`PRECISIONS`, see :func:`check_precision`.

    Returns:
        ``(N, D)`` float32.

    Raises:
        InputError: the precision is unknown, or the device has none of this kind.
    """
    check_precision(precision, clips.device)
    chunks = (_filled(view(chunk)) for chunk in clips.split(CLIPS_PER_FORWARD))
    return torch.cat([_forward(network, chunk, precision) for chunk in chunks])[: len(clips)]


def check_precision(precision: str, device: torch.device) -> None:
    """Make sure that a device can compute in a precision.

    Args:
        precision: ``32-true``; or ``bf16-mixed`` or ``16-mixed``, in which convolutions and matrix products are
            computed in bfloat16 or float16, and what is sensitive to rounding is not.
        device: where the network is.

    Raises:
        InputError: there is no such precision, or it is ``16-mixed`` and the device is no GPU.
    """
    if precision not in PRECISIONS:
        raise InputError(f"precision (EVAL.PRECISION): expected one of {', '.join(PRECISIONS)}; got '{precision}'.")
    if precision == "16-mixed" and device.type != "cuda":
        raise InputError("precision (EVAL.PRECISION): 16-mixed needs a GPU; use bf16-mixed or 32-true.")


def _forward(network: nn.Module, clips: Tensor, precision: str) -> Tensor:
    """Features of as many clips as pass through at once.

    In mixed precision, convolutions are much faster where the channels of a pixel lie side by side in memory, and what
    they make of such clips is such again; in float32 it makes no difference. The network itself stays as it is.
    """
    with _autocast(precision, clips.device):
        mixed = torch.is_autocast_enabled(clips.device.type)
        layout = torch.channels_last_3d if mixed else torch.contiguous_format
        return network(clips.contiguous(memory_format=layout)).float()


def _autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Nothing for full precision: whoever embeds within an autocast of their own goes on with that."""
    if precision == FULL_PRECISION:
        return nullcontext()
    return torch.autocast(device.type, MIXED_PRECISIONS[precision])


def _filled(clips: Tensor) -> Tensor:
    """The clips, which blank ones fill up to the usual number."""
    blank = clips.new_zeros(CLIPS_PER_FORWARD - len(clips), *clips.shape[1:])
    return torch.cat([clips, blank])
