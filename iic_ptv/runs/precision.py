"""The precision in which a network trains fastest here: what ``TRAINER.PRECISION auto`` comes to.

On processors it is tried out, as it hangs on their instructions and on the network. What comes of it becomes part of
the run's configuration, so that all processes of the run, and the run when it is resumed, compute alike.
"""

from __future__ import annotations

import inspect
import time
from pathlib import Path

import torch
from fvcore.common.config import CfgNode
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from iic_ptv.config import parse_config
from iic_ptv.distributed import join_processes, rank, told_by_first
from iic_ptv.processes import launched_processes
from iic_ptv.runs.bfloat16 import keep_wrong_layers_in_float32
from iic_ptv.runs.build import build_network
from iic_ptv.runs.folder import is_further_process, latest_config
from iic_ptv.runs.terminal import say

AUTO, FLOAT32, BFLOAT16 = "auto", "32-true", "bf16-mixed"
SMALL = 20e9  # floating-point operations of a batch's forward pass; with fewer, bfloat16 gains nothing on a CPU
WORTHWHILE = 1.2  # how many times as fast bfloat16 must be
CLIPS_OF_TRIAL = 2  # BatchNorm needs more than one
ROUNDS = 4  # the first is to warm up


def choose_precision(cfg: CfgNode, folder: Path) -> None:
    """Put a precision in the place of ``TRAINER.PRECISION auto``, the same one in all processes of the run.

    On GPUs it is bf16-mixed where they have it; on the CPU where it is at least 1.2 times as fast, with those layers
    in float32 that the processor gets wrong; otherwise, and for small networks, 32-true.

    Args:
        cfg: the configuration, which is changed.
        folder: the run folder.

    Raises:
        InputError: the network cannot be built.
    """
    if cfg.TRAINER.PRECISION != AUTO:
        return
    if is_further_process() and launched_processes() is None:
        # The first process started this one, once it had chosen and described the run.
        cfg.TRAINER.PRECISION = parse_config(latest_config(folder), str(folder)).TRAINER.PRECISION
        return
    device = _device_type(cfg.TRAINER.ACCELERATOR)
    if device == "cpu":
        precision, why = _on_cpu(cfg)
    else:
        precision, why = (BFLOAT16 if device == "cuda" and _has_bfloat16() else FLOAT32), f"on {device}"
    cfg.TRAINER.PRECISION = precision
    if not is_further_process():
        say(f"precision: {precision} ({why})")


def _on_cpu(cfg: CfgNode) -> tuple[str, str]:
    """The precision, and why."""
    if cfg.TRAINER.DETERMINISTIC:
        return FLOAT32, "a trial might end otherwise another time"
    data = cfg.DATA
    clip_shape = (CLIPS_OF_TRIAL, 3, data.CLIP_LENGTH, data.CROP, data.CROP)
    with torch.random.fork_rng(devices=[]):  # the run's own network is drawn as if there had been no trial
        network = build_network(cfg)
        if cfg.TRAINER.CHANNELS_LAST:
            network.to(memory_format=torch.channels_last_3d)
        if _forward_operations(network, clip_shape) * cfg.OPTIM.BATCH_SIZE < SMALL:
            return FLOAT32, "bfloat16 does not speed up a network this small"
        join_processes()
        gain = told_by_first(0.0 if rank() else bfloat16_gain(network, clip_shape))
    why = f"bfloat16 is {gain:.1f} times as fast as float32 here" if gain else "this processor has no bfloat16"
    return (BFLOAT16 if gain >= WORTHWHILE else FLOAT32), why


def _device_type(accelerator: str) -> str:
    """What Lightning takes for ``TRAINER.ACCELERATOR``, as far as it is a CPU or CUDA."""
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return "cuda"
    return "cpu" if accelerator == "cpu" or not torch.backends.mps.is_available() else "mps"


def _has_bfloat16() -> bool:
    """Whether the GPU computes in bfloat16 itself; older versions of PyTorch do not ask about emulation."""
    asked = inspect.signature(torch.cuda.is_bf16_supported).parameters
    return torch.cuda.is_bf16_supported(**({"including_emulation": False} if "including_emulation" in asked else {}))


def _forward_operations(network: nn.Module, clip_shape: tuple[int, ...]) -> float:
    """Floating-point operations of one clip's forward pass."""
    clip = torch.zeros(1, *clip_shape[1:])
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(clip)
    return counter.get_total_flops()


def bfloat16_gain(network: nn.Module, clip_shape: tuple[int, ...]) -> float:
    """How many times as fast as in float32 forward and backward pass are in bfloat16 on the CPU, by trial.

    Args:
        network: from clips to anything; its layers that bfloat16 gets wrong stay in float32 from now on.
        clip_shape: ``(B, C, T, H, W)`` of the batches.

    Returns:
        The quotient of the times; 0 if the processor has no bfloat16.
    """
    if not (torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()):
        return 0.0
    keep_wrong_layers_in_float32([network.train()], clip_shape)
    clip = torch.rand(clip_shape)
    # Taking turns, so that both get to feel what else goes on on the machine.
    times = [[_seconds(network, clip, bfloat16) for bfloat16 in (False, True)] for _ in range(ROUNDS)]
    float32, bfloat16 = (min(seconds) for seconds in zip(*times[1:], strict=True))
    return float32 / bfloat16


def _seconds(network: nn.Module, clip: Tensor, bfloat16: bool) -> float:
    network.zero_grad()
    started = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        out = network(clip)
    out.float().sum().backward()
    return time.perf_counter() - started
