"""From a decoded sample to network input: the clip pipelines of the recipes.

Each returns a PyTorchVideo-style transform of the sample's dictionary: it changes the clip ``(C, T, H, W)`` under
``video``, or each of a list of clips, and passes the other entries through. The same transform takes a collated batch
``(B, C, T, H, W)`` on the device: what a worker process hands over is then bytes, a quarter of the floats.

Optical flow under ``flow`` is cropped and mirrored as its video is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from iic_ptv.transforms.augment import (
    ColorJitter,
    GaussianBlur,
    HorizontalFlip,
    Normalize,
    RandomGrayscale,
)
from iic_ptv.transforms.clip import Draws, RandomTransform, batch_shape
from iic_ptv.transforms.crop import CenterCrop, RandomCrop, Resize, ToFloat
from iic_ptv.transforms.flow import FlowFlip

Sample = dict[str, Any]
FRAME_SIZE = (128, 171)  # height and width to which the paper resizes frames before it crops
CROP = 112
SEED_KEY = "augmentation_seed"


class SampleTransform(nn.Module):
    """Apply steps in order to the clip, or to each of the clips, under every key of a sample or batch.

    PyTorchVideo's ``ApplyTransformToKey`` for one clip; for the two clips of a video that IICv2 contrasts, each
    gets draws of its own. It needs neither torchvision nor PyTorchVideo, and can be one step of a ``Compose``
    with theirs.

    What is drawn for a clip depends on its entry ``augmentation_seed`` alone, which our data sets provide (a number,
    or for a batch a list of them): a clip is treated the same alone in a worker process and in a batch on the device.
    Where there is none, seeds are drawn from PyTorch's global generator. All keys draw from generators seeded alike, in
    the order of their steps, so that video and flow are cropped alike.

    Args:
        steps: the steps for each key. A key that a sample does not have is passed over.
    """

    def __init__(self, steps: Mapping[str, Sequence[nn.Module]]) -> None:
        super().__init__()
        self.steps = nn.ModuleDict({key: nn.ModuleList(modules) for key, modules in steps.items()})

    def forward(self, sample: Sample) -> Sample:
        """Return the sample or batch with its clips transformed; the one given is left as it was."""
        present = {key: sample[key] for key in self.steps if key in sample}
        seeds = sample.get(SEED_KEY)
        if seeds is None and present:
            seeds = _draw_seeds(next(iter(present.values())))
        return {**sample, **{key: self._transformed(self.steps[key], clip, seeds) for key, clip in present.items()}}

    def _transformed(self, steps: Any, clip: Any, seeds: Any) -> Any:
        if isinstance(clip, (list, tuple)):
            return [self._transformed(steps, each, seed) for each, seed in zip(clip, seeds, strict=True)]
        random = any(isinstance(step, RandomTransform) for step in steps)
        generators = generators_of(seeds) if random else None
        for step in steps:
            clip = step(clip, generators) if isinstance(step, RandomTransform) else step(clip)
        return clip


def generators_of(seeds: int | Sequence[int]) -> Draws:
    """A generator on the CPU for the seed of a clip, or for each of those of a batch."""
    if isinstance(seeds, int):
        return torch.Generator().manual_seed(seeds)
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def _draw_seeds(clip: Any) -> Any:
    """Seeds from the global generator, of the shape of what they are for: a clip, a batch, or a list of these."""
    if isinstance(clip, (list, tuple)):
        return [_draw_seeds(each) for each in clip]
    return torch.randint(2**63 - 1, batch_shape(clip)).tolist()


def train_transform(crop: int = CROP, frame_size: tuple[int, int] = FRAME_SIZE) -> SampleTransform:
    """The paper's training input: resize, one random crop per clip, floats in [0, 1].

    Args:
        crop: side of the crop, in pixels.
        frame_size: ``(height, width)`` of the frames before cropping.
    """
    steps = [Resize(frame_size), RandomCrop(crop), ToFloat()]
    return SampleTransform({"video": steps, "flow": steps})


def strong_train_transform(
    crop: int = CROP, frame_size: tuple[int, int] = FRAME_SIZE, normalized: bool = True
) -> SampleTransform:
    """IICv2's training input: :func:`train_transform`, then flip, colour jitter, grey, blur, normalisation.

    Args:
        crop: side of the crop, in pixels.
        frame_size: ``(height, width)`` of the frames before cropping.
        normalized: subtract ImageNet's mean and divide by its deviation; else the clip stays in [0, 1].
    """
    steps = [Resize(frame_size), RandomCrop(crop), ToFloat()]
    colors = [ColorJitter(), RandomGrayscale(), GaussianBlur(), *([Normalize()] if normalized else [])]
    return SampleTransform({"video": [*steps, HorizontalFlip(), *colors], "flow": [*steps, FlowFlip()]})


def evaluation_transform(
    crop: int = CROP, frame_size: tuple[int, int] = FRAME_SIZE, normalized: bool = False
) -> SampleTransform:
    """The evaluation protocols' input: resize, centre crop, floats in [0, 1], normalised where training was."""
    steps = [Resize(frame_size), CenterCrop(crop), ToFloat()]
    return SampleTransform({"video": [*steps, *([Normalize()] if normalized else [])], "flow": steps})
