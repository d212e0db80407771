"""What is exported: everything between the bytes of a clip and its features, in one module."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import torch
from torch import Tensor, nn

from iic_ptv.transforms.augment import IMAGENET_MEAN, IMAGENET_STD
from iic_ptv.transforms.crop import CenterCrop, Resize, ToFloat
from iic_ptv.zoo.description import ClipFormat


class Normalization(nn.Module):
    """:func:`~iic_ptv.transforms.augment.normalize` with its numbers in buffers, which move with an exported module."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1, 1))

    def forward(self, clips: Tensor) -> Tensor:
        """Normalise clips ``(..., 3, T, H, W)`` in [0, 1]."""
        return (clips - self.mean) / self.std


class Extractor(nn.Module):
    """Bring clips to what networks were trained on, make views of them, embed these and concatenate the features.

    Steps are those of :func:`~iic_ptv.transforms.pipelines.evaluation_transform`, except that frames of another size
    are resized as floats: bytes in between would be rounded differently by all that run the file. The difference is
    about a grey level.

    Args:
        views: modules that make what a network sees of clips in [0, 1], or normalised ones.
        networks: one that all views share, or one for each view; they are put in eval mode, without gradients.
        clip: what the networks were trained on.

    Example:
        >>> extractor = Extractor([RGB()], [r3d()], ClipFormat(16, 1, (128, 171), 112))
        >>> extractor(torch.randint(256, (2, 3, 16, 240, 320), dtype=torch.uint8)).shape
        torch.Size([2, 512])
    """

    def __init__(self, views: Sequence[nn.Module], networks: Sequence[nn.Module], clip: ClipFormat) -> None:
        super().__init__()
        self.prepare = nn.Sequential(ToFloat(), Resize(clip.frame_size), CenterCrop(clip.crop))
        if clip.normalized:
            self.prepare.append(Normalization())
        self.views = nn.ModuleList(views)
        self.networks = nn.ModuleList(networks)
        self.eval().requires_grad_(False)

    def forward(self, clips: Tensor) -> Tensor:
        """Map RGB clips ``(B, 3, T, H, W)``, uint8, to the features of all views, ``(B, D1 + D2 + ...)``.

        Raises:
            InputError: the frames are smaller than the crop.
        """
        clips = self.prepare(clips)
        pairs = zip(self.views, cycle(self.networks), strict=False)
        return torch.cat([network(view(clips)) for view, network in pairs], dim=1)
