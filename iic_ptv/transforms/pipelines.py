"""From a decoded sample to network input: the clip pipelines of the recipes.

Each returns a PyTorchVideo-style transform of the sample's dictionary: it changes the entry ``key``, one clip
``(C, T, H, W)`` or a list of clips, and passes the other entries through. The crop is drawn once per clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from iic_ptv.transforms.augment import ColorJitter, GaussianBlur, HorizontalFlip, Normalize, RandomGrayscale
from iic_ptv.transforms.crop import CenterCrop, RandomCrop, Resize, ToFloat

Sample = dict[str, Any]
FRAME_SIZE = (128, 171)  # height and width to which the paper resizes frames before it crops
CROP = 112


class SampleTransform(nn.Module):
    """Apply ``steps`` in order to the clip, or to each of the clips, under ``key`` of a sample.

    PyTorchVideo's ``ApplyTransformToKey`` for one clip; for the two clips of a video that IICv2 contrasts, each
    gets draws of its own. It needs neither torchvision nor PyTorchVideo, and can be one step of a ``Compose``
    with theirs.
    """

    def __init__(self, steps: Sequence[nn.Module], key: str = "video") -> None:
        super().__init__()
        self.steps = nn.Sequential(*steps)
        self.key = key

    def forward(self, sample: Sample) -> Sample:
        """Return the sample with the entry ``key`` transformed; the sample given is left as it was."""
        clip = sample[self.key]
        changed = [self.steps(each) for each in clip] if isinstance(clip, list) else self.steps(clip)
        return {**sample, self.key: changed}


def train_transform(crop: int = CROP, frame_size: tuple[int, int] = FRAME_SIZE, key: str = "video") -> SampleTransform:
    """The paper's training input: resize, one random crop per clip, floats in [0, 1].

    Args:
        crop: side of the crop, in pixels.
        frame_size: ``(height, width)`` of the frames before cropping.
        key: entry of the sample that holds the clip.
    """
    return SampleTransform([Resize(frame_size), RandomCrop(crop), ToFloat()], key)


def strong_train_transform(
    crop: int = CROP, frame_size: tuple[int, int] = FRAME_SIZE, normalized: bool = True, key: str = "video"
) -> SampleTransform:
    """IICv2's training input: :func:`train_transform`, then flip, colour jitter, grey, blur, normalisation.

    Args:
        crop: side of the crop, in pixels.
        frame_size: ``(height, width)`` of the frames before cropping.
        normalized: subtract ImageNet's mean and divide by its deviation; else the clip stays in [0, 1].
        key: entry of the sample that holds the clip, or a list of clips.
    """
    steps = [Resize(frame_size), RandomCrop(crop), ToFloat(), HorizontalFlip(), ColorJitter(), RandomGrayscale()]
    return SampleTransform([*steps, GaussianBlur(), *([Normalize()] if normalized else [])], key)


def evaluation_transform(
    crop: int = CROP, frame_size: tuple[int, int] = FRAME_SIZE, normalized: bool = False, key: str = "video"
) -> SampleTransform:
    """The evaluation protocols' input: resize, centre crop, floats in [0, 1], normalised where training was."""
    return SampleTransform(
        [Resize(frame_size), CenterCrop(crop), ToFloat(), *([Normalize()] if normalized else [])], key
    )
