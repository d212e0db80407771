"""The strong augmentation of IICv2: flip, colour, blur and normalisation, the same for all frames of a clip."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from iic_ptv.errors import InputError
from iic_ptv.transforms.clip import Draws, RandomTransform, check_clip, constant, draw_event, draw_uniform, per_clip

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
LUMA = (0.299, 0.587, 0.114)  # weights of R, G, B in the brightness of a pixel (ITU-R BT.601)
RGB_TO_YIQ = (LUMA, (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))


def random_horizontal_flip(clip: Tensor, probability: float = 0.5, generator: Draws = None) -> Tensor:
    """Mirror a clip ``(..., C, T, H, W)`` left to right with ``probability``."""
    check_clip(clip)
    return torch.where(per_clip(draw_event(clip, probability, generator)), clip.flip(-1), clip)


def grayscale(clip: Tensor) -> Tensor:
    """Give all three channels of an RGB clip ``(..., 3, T, H, W)`` the brightness of the pixel."""
    check_clip(clip, floating=True)
    weights = constant(LUMA, clip).view(3, 1, 1, 1)
    return (clip * weights).sum(dim=-4, keepdim=True).expand_as(clip)


def color_jitter(
    clip: Tensor,
    brightness: float = 0.4,
    contrast: float = 0.4,
    saturation: float = 0.4,
    hue: float = 0.1,
    probability: float = 0.8,
    generator: Draws = None,
) -> Tensor:
    """Change brightness, contrast, saturation and hue, in this order, by factors drawn per clip.

    All four are linear in the colour, so one matrix and one offset per clip do it; the hue turns in the
    chrominance plane (YIQ). Results are cut to [0, 1] once, at the end.

    Args:
        clip: ``(..., 3, T, H, W)`` of floats in [0, 1].
        brightness: factor uniform over [1 - brightness, 1 + brightness]; likewise contrast and saturation.
        contrast: distance from the mean brightness of the clip.
        saturation: distance from grey.
        hue: turn uniform over [-hue, hue], in full circles.
        probability: share of the clips that are changed at all.
        generator: source of the draws; PyTorch's global one by default.

    Returns:
        A clip of the same shape in [0, 1].
    """
    check_clip(clip, floating=True)
    bright, contrasted, saturated = (
        draw_uniform(clip, 1 - spread, 1 + spread, generator).to(clip.dtype)
        for spread in (brightness, contrast, saturation)
    )
    turn = draw_uniform(clip, -2 * math.pi * hue, 2 * math.pi * hue, generator).to(clip.dtype)
    matrix = _hue_rotation(turn) @ _saturation(saturated) * (contrasted * bright)[..., None, None]
    # Contrast pulls towards the mean brightness, a grey that saturation and hue leave alone.
    offset = (1 - contrasted) * bright * grayscale(clip).mean(dim=(-4, -3, -2, -1))
    colored = torch.einsum("...ij,...jthw->...ithw", matrix, clip) + per_clip(offset)
    changed = per_clip(draw_event(clip, probability, generator))
    return torch.where(changed, colored.clamp(0, 1), clip)


def _saturation(factor: Tensor) -> Tensor:
    """Colour matrices ``(..., 3, 3)`` that scale the distance from grey by ``factor``."""
    luma = constant(LUMA, factor).expand(3, 3)
    factor = factor[..., None, None]
    return factor * torch.eye(3, dtype=factor.dtype, device=factor.device) + (1 - factor) * luma


def _hue_rotation(angle: Tensor) -> Tensor:
    """Colour matrices ``(..., 3, 3)`` that turn the chrominance by ``angle`` (radians) and keep the brightness."""
    to_yiq = torch.tensor(RGB_TO_YIQ, dtype=torch.float64)
    rotation = torch.zeros(*angle.shape, 3, 3, dtype=angle.dtype, device=angle.device)
    rotation[..., 0, 0] = 1
    rotation[..., 1, 1] = rotation[..., 2, 2] = angle.cos()
    rotation[..., 1, 2] = -angle.sin()
    rotation[..., 2, 1] = angle.sin()
    return to_yiq.inverse().to(rotation, non_blocking=True) @ rotation @ to_yiq.to(rotation, non_blocking=True)


def gaussian_blur(
    clip: Tensor,
    sigma: tuple[float, float] = (0.1, 2.0),
    probability: float = 0.5,
    generator: Draws = None,
) -> Tensor:
    """Blur every frame by a Gaussian whose width is drawn per clip.

    Args:
        clip: ``(..., C, T, H, W)`` of floats, any values.
        sigma: least and greatest standard deviation, in pixels.
        probability: share of the clips that are blurred.
        generator: source of the draws; PyTorch's global one by default.

    Returns:
        A clip of the same shape. At the border the weights that fall outside are given to those inside.
    """
    check_clip(clip, floating=True)
    width = draw_uniform(clip, *sigma, generator).to(clip.dtype)
    # A separable blur is two matrix products, which every device does fast and for a width per clip.
    vertical = _blur_matrix(width, clip.shape[-2])[..., None, None, :, :]
    horizontal = _blur_matrix(width, clip.shape[-1])[..., None, None, :, :]
    blurred = vertical @ clip @ horizontal.mT
    return torch.where(per_clip(draw_event(clip, probability, generator)), blurred, clip)


def _blur_matrix(sigma: Tensor, length: int) -> Tensor:
    """Matrices ``(..., length, length)`` whose rows are the normalised Gaussian weights around each pixel."""
    place = torch.arange(length, dtype=sigma.dtype, device=sigma.device)
    distance = (place[:, None] - place) / sigma[..., None, None]
    return torch.softmax(distance.square().div(-2), dim=-1)


def normalize(clip: Tensor, mean: Sequence[float] = IMAGENET_MEAN, std: Sequence[float] = IMAGENET_STD) -> Tensor:
    """Subtract ``mean`` from each channel of a clip ``(..., C, T, H, W)`` in [0, 1] and divide by ``std``."""
    check_clip(clip, floating=True)
    if clip.shape[-4] != len(mean):
        raise InputError(f"normalize: a clip of {clip.shape[-4]} channels, but {len(mean)} means.")
    shape = (len(mean), 1, 1, 1)
    return (clip - constant(mean, clip).view(shape)) / constant(std, clip).view(shape)


class HorizontalFlip(RandomTransform):
    """:func:`random_horizontal_flip` as a module."""

    def __init__(self, probability: float = 0.5) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, clip: Tensor, generator: Draws = None) -> Tensor:
        """Return the clip or its mirror image."""
        return random_horizontal_flip(clip, self.probability, generator)


class ColorJitter(RandomTransform):
    """:func:`color_jitter` as a module."""

    def __init__(
        self,
        brightness: float = 0.4,
        contrast: float = 0.4,
        saturation: float = 0.4,
        hue: float = 0.1,
        probability: float = 0.8,
    ) -> None:
        super().__init__()
        self.strengths = (brightness, contrast, saturation, hue)
        self.probability = probability

    def forward(self, clip: Tensor, generator: Draws = None) -> Tensor:
        """Return the clip in other colours, in [0, 1]."""
        return color_jitter(clip, *self.strengths, self.probability, generator)


class RandomGrayscale(RandomTransform):
    """:func:`grayscale` for a share of the clips."""

    def __init__(self, probability: float = 0.2) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, clip: Tensor, generator: Draws = None) -> Tensor:
        """Return the clip, or the clip in grey."""
        return torch.where(per_clip(draw_event(clip, self.probability, generator)), grayscale(clip), clip)


class GaussianBlur(RandomTransform):
    """:func:`gaussian_blur` as a module."""

    def __init__(self, sigma: tuple[float, float] = (0.1, 2.0), probability: float = 0.5) -> None:
        super().__init__()
        self.sigma = sigma
        self.probability = probability

    def forward(self, clip: Tensor, generator: Draws = None) -> Tensor:
        """Return the clip, or the clip blurred."""
        return gaussian_blur(clip, self.sigma, self.probability, generator)


class Normalize(nn.Module):
    """:func:`normalize` as a module."""

    def __init__(self, mean: Sequence[float] = IMAGENET_MEAN, std: Sequence[float] = IMAGENET_STD) -> None:
        super().__init__()
        self.mean = tuple(mean)
        self.std = tuple(std)

    def forward(self, clip: Tensor) -> Tensor:
        """Return the clip with channels of about zero mean and unit deviation."""
        return normalize(clip, self.mean, self.std)
