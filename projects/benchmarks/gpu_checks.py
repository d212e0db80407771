"""What must be right on a GPU before anything is measured there: each check compares with the CPU, or with float32."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from iic_ptv.data.procedural import MOTIONS, render_clips
from iic_ptv.losses import InterIntraNCELoss
from iic_ptv.models import r3d
from iic_ptv.transforms import RepeatFrame, Residual, ShuffleSegments, train_transform
from iic_ptv.transforms.pipelines import SEED_KEY, generators_of
from projects.benchmarks.losses import exact_gradient
from projects.benchmarks.reference_step import ReferenceLoss, reference_features
from projects.benchmarks.steps import BFLOAT16, COMPILED, FLOAT32, GRAPHS, MAKERS, Work

# Channels, frames, side and stride of what convolutions of R3D see.
LAYERS = ((3, 16, 112, 1), (64, 16, 56, 1), (128, 8, 28, 1), (256, 4, 14, 2), (512, 2, 7, 1))
SMALL = Work(batch=4, frames=8, side=32, num_videos=200, num_negatives=64, width=0.25)


@contextmanager
def exact_float32() -> Iterator[None]:
    """Keep the GPU from rounding float32 to fewer bits inside."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


def rendering(device: str) -> float:
    """Clips of the renderer, on the device and on the CPU; the mean difference of their pixels, which edges make."""
    motions = torch.arange(8) % len(MOTIONS)
    here, there = (
        render_clips(motions, num_frames=8, size=32, generator=torch.Generator().manual_seed(0), device=where)
        for where in ("cpu", device)
    )
    return float((there.cpu() - here).abs().mean())


def transforms(device: str) -> float:
    """Views, intra-negatives and the training input for the same seeds; the greatest difference."""
    video = torch.randint(256, (4, 3, 16, 40, 54), dtype=torch.uint8)
    seeds = [3, 1, 4, 1]
    differences = []
    for step in (Residual(), RepeatFrame(), ShuffleSegments()):
        here, there = (_applied(step, video.to(where) / 255, seeds) for where in ("cpu", device))
        differences.append((there.cpu() - here).abs().max())
    crop = train_transform(crop=32, frame_size=(40, 54))
    here, there = (crop({"video": video.to(where), SEED_KEY: seeds})["video"] for where in ("cpu", device))
    return float(torch.stack([*differences, (there.cpu() - here).abs().max()]).max())


def _applied(step: nn.Module, clip: Tensor, seeds: list[int]) -> Tensor:
    result: Tensor = step(clip) if isinstance(step, Residual) else step(clip, generators_of(seeds))
    return result


def loss_gradient(device: str) -> float:
    """The gradient of the loss against float64 on the CPU, both ways to its logits; the greatest relative error."""
    errors = []
    for num_videos in (400, 50_000):  # multiplied as a whole, and row by row
        torch.manual_seed(0)
        loss = InterIntraNCELoss(num_videos, 64, num_negatives=100)
        banks = loss.bank.features.clone()
        index, negative_index = torch.arange(8), torch.randint(num_videos, (8, 100))
        view_1, view_2, negative = torch.randn(3, 8, 64)
        given = [view.to(device).requires_grad_() for view in (view_1, view_2)]
        loss.to(device)(given, negative.to(device), index.to(device), negative_index.to(device)).loss.backward()
        rows = torch.cat([index[:, None], negative_index], dim=1)
        for number, view in enumerate((view_1, view_2)):
            expected = exact_gradient(view, (banks[1 - number], banks[2]), rows)
            gradient = given[number].grad
            assert gradient is not None
            errors.append((gradient.cpu().double() - expected).norm() / expected.norm())
    return float(torch.stack(errors).max())


def step_gradient(device: str) -> float:
    """Loss and gradients of ours against the reference's, on the device, in float32; the relative error."""
    torch.manual_seed(0)
    network = r3d(width=SMALL.width).to(device)
    clip = torch.rand(SMALL.batch, 3, SMALL.frames, SMALL.side, SMALL.side, device=device)
    loss = InterIntraNCELoss(SMALL.num_videos, network.feature_dim, num_negatives=SMALL.num_negatives).to(device)
    reference = ReferenceLoss(SMALL.num_videos, network.feature_dim, SMALL.num_negatives).to(device)
    reference.bank_1, reference.bank_2, reference.bank_n = (bank.clone() for bank in loss.bank.features)
    index = torch.arange(SMALL.batch, device=device)
    negative_index = torch.randint(SMALL.num_videos, (SMALL.batch, SMALL.num_negatives), device=device)
    frames = [0] * SMALL.batch
    ours, theirs = copy.deepcopy(network).to(memory_format=torch.channels_last_3d), network
    reference(*reference_features(theirs, clip, frames), index, negative_index).backward()
    with torch.no_grad():
        negative = ours(clip[:, :, :1].expand_as(clip))
    loss([ours(clip), ours(Residual()(clip))], negative, index, negative_index).loss.backward()
    expected, found = (torch.cat([p.grad.flatten() for p in each.parameters()]) for each in (theirs, ours))  # type: ignore[union-attr]
    return float((found - expected).norm() / expected.norm())


def layer_gradients(device: str) -> float:
    """Weight gradients of each convolution of R3D in bfloat16, two frames deep ones included; the greatest error.

    Tried on a CPU, they are of few pixels: one without instructions for bfloat16 would take minutes.
    """
    errors = []
    for channels, frames, full_side, stride in LAYERS:
        side = full_side if device == "cuda" else 7
        layer = nn.Conv3d(channels, 64, 3, stride, 1, bias=False).to(device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        clip = torch.randn(4, channels, frames, side, side, device=device)
        gradients = []
        for bfloat16 in (False, True):
            with torch.autocast(device, torch.bfloat16, enabled=bfloat16):
                out = layer(clip.to(memory_format=torch.channels_last_3d))
            direction = torch.randn(out.shape, generator=torch.Generator().manual_seed(0)).to(out)
            gradients.append(torch.autograd.grad(out, layer.weight, direction)[0])
        errors.append((gradients[1] - gradients[0]).norm() / gradients[0].norm())
    return float(torch.stack(errors).max())


def training(device: str, name: str = BFLOAT16) -> float:
    """The losses of a few steps beside those in float32; the greatest relative difference."""
    expected, losses = (_losses(each, device, steps=4) for each in (FLOAT32, name))
    return float(((losses - expected) / expected).abs().max())


def _losses(name: str, device: str, steps: int) -> Tensor:
    torch.manual_seed(0)
    step = MAKERS[name](SMALL, device)
    clip = render_clips(torch.arange(SMALL.batch), num_frames=SMALL.frames, size=SMALL.side, device=device)
    index = torch.arange(SMALL.batch, device=device)
    return torch.stack([step(clip, index) for _ in range(steps)]).cpu()


def waiting(device: str) -> float:
    """Number of times that the host waits for the device within a step of ours."""
    if device != "cuda":
        return 0.0
    step = MAKERS[BFLOAT16](SMALL, device)
    clip = torch.rand(SMALL.batch, 3, SMALL.frames, SMALL.side, SMALL.side, device=device)
    index = torch.arange(SMALL.batch, device=device)
    step(clip, index)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        step(clip, index)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return 0.0


def learning(device: str) -> float:
    """The loss after some steps on a few rendered clips, by what it began with: below one where it learns."""
    losses = _losses(FLOAT32, device, steps=40)
    return float(losses[-5:].mean() / losses[:5].mean())


COMPILED_CHECKS = {"losses of compiled steps": COMPILED, "losses of steps as CUDA graphs": GRAPHS}
# Each with what it may come to at most.
CHECKS: dict[str, tuple[Callable[[str], float], float]] = {
    "renderer, as on the CPU": (rendering, 2e-3),
    "views, intra-negatives and crops, as on the CPU": (transforms, 1e-5),
    "gradient of the loss, as in float64": (loss_gradient, 1e-5),
    "gradients of a step, as the reference's": (step_gradient, 1e-3),
    "weight gradients in bfloat16, as in float32": (layer_gradients, 0.01),
    "losses of steps in bfloat16, as in float32": (training, 0.2),
    **{name: (partial(training, name=compiled), 0.2) for name, compiled in COMPILED_CHECKS.items()},
    "the host waits for the device in a step": (waiting, 0.0),
    "loss after 40 steps, by the first": (learning, 0.9),
}
