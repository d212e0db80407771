"""Whether this machine's processor trains a network in bfloat16 rightly: not all do.

Found with oneDNN on a processor with avx512_bf16 but without AMX: the weight gradient of a 3 x 3 x 3 convolution of
two frames, as in R3D's last stage, comes out as zeros, garbage or NaN, silently. So it is tried out, layer by layer,
and layers that come out wrong stay in float32. In R3D that is a few percent of the work.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from iic_ptv.models.float32_layers import keep_in_float32

TOLERANCE = 0.01  # bfloat16 itself makes about 0.003, the fault about 1


@dataclass(frozen=True)
class WrongLayer:
    """A convolution whose weight gradient in bfloat16 is not that in float32."""

    name: str
    input_shape: tuple[int, ...]
    error: float

    def __str__(self) -> str:
        return f"{self.name} with inputs {self.input_shape}: relative error {self.error:.2f}"


def keep_wrong_layers_in_float32(networks: Sequence[nn.Module], clip_shape: tuple[int, ...]) -> list[WrongLayer]:
    """Let what the processor gets wrong in bfloat16 be computed in float32.

    Args:
        networks: of one architecture and layout in memory, such as one for each view.
        clip_shape: ``(B, C, T, H, W)`` of the batches to train on.

    Returns:
        The layers, which are the same ones in each of the networks.
    """
    wrong = wrong_weight_gradients(networks[0], clip_shape)
    for network in networks:
        keep_in_float32(network, [layer.name for layer in wrong])
    return wrong


def wrong_weight_gradients(network: nn.Module, clip_shape: tuple[int, ...]) -> list[WrongLayer]:
    """Compare the weight gradients of every 3D convolution, bfloat16 autocast with float32, on the CPU.

    Args:
        network: from clips to anything, laid out in memory as for training; its state is left as it is.
        clip_shape: ``(B, C, T, H, W)`` of the batches to train on: the fault depends on the shape.

    Returns:
        The layers whose gradients differ by more than 1 %.
    """
    clip = torch.rand(clip_shape, generator=torch.Generator().manual_seed(0))
    inputs = _convolution_inputs(network, clip)
    errors = ((name, clip, _gradient_error(layer, clip)) for name, layer, clip in inputs)
    # A NaN is no number below the tolerance, either.
    return [WrongLayer(name, tuple(clip.shape), error) for name, clip, error in errors if not error <= TOLERANCE]


def _convolution_inputs(network: nn.Module, clip: Tensor) -> Iterable[tuple[str, nn.Conv3d, Tensor]]:
    """What each convolution gets to see of a clip; of BatchNorm, running statistics, which do not change."""
    seen: list[tuple[str, nn.Conv3d, Tensor]] = []
    hooks = [
        layer.register_forward_pre_hook(lambda module, given, name=name: seen.append((name, module, given[0])))
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv3d)
    ]
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(clip)
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    return seen


def _gradient_error(layer: nn.Conv3d, clip: Tensor) -> float:
    exact, rounded = _weight_gradient(layer, clip, bfloat16=False), _weight_gradient(layer, clip, bfloat16=True)
    return float((rounded - exact).norm() / exact.norm().clamp_min(torch.finfo(exact.dtype).tiny))


def _weight_gradient(layer: nn.Conv3d, clip: Tensor, bfloat16: bool) -> Tensor:
    """The gradient of a fixed random direction in the output, laid out in memory as that is."""
    with torch.enable_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        out = layer(clip)
    direction = torch.empty_like(out).copy_(torch.randn(out.shape, generator=torch.Generator().manual_seed(0)))
    (gradient,) = torch.autograd.grad(out, layer.weight, direction)
    return gradient
