"""What one would use without this package: PyTorchVideo, or folders of JPEG frames as the reference code reads them."""

from __future__ import annotations

import os
import random
from fractions import Fraction
from pathlib import Path

import torch
from PIL import Image
from pytorchvideo.data import LabeledVideoDataset, make_clip_sampler
from pytorchvideo.data.encoded_video import EncodedVideo
from pytorchvideo.transforms import ApplyTransformToKey, ShortSideScale, UniformTemporalSubsample
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import Dataset
from torchvision.transforms import Compose, Lambda, RandomCrop
from torchvision.transforms.functional import crop, resize, to_tensor

from projects.benchmarks.videos import FRAME_RATE, FrameSize

CLIP_LENGTH = 16
INPUT_SIZE = (128, 171)  # height and width that recipes scale frames to
CROP = 112
DECODERS = ("pyav", "decord")  # PyTorchVideo's back-ends that run; its third is gone from current torchvision


def pytorchvideo_clip(path: Path, start: int, decoder: str, size: FrameSize | None = None) -> Tensor:
    """The 16 frames from ``start`` on as floats 0 to 255, ``(3, 16, H, W)``, scaled as ``ShortSideScale`` does it."""
    video = EncodedVideo.from_path(str(path), decode_audio=False, decoder=decoder)
    # Times half a frame early, so that no rounding takes another frame.
    begin = max(Fraction(2 * start - 1, 2 * FRAME_RATE), Fraction(0))
    end = Fraction(2 * (start + CLIP_LENGTH) - 1, 2 * FRAME_RATE)
    clip: Tensor = video.get_clip(begin, end)["video"]
    video.close()
    return clip if size is None else interpolate(clip, size=size, mode="bilinear", align_corners=False)


def pytorchvideo_dataset(videos: list[tuple[str, dict[str, int]]], decoder: str) -> LabeledVideoDataset:
    """Random clips ``(3, 16, 112, 112)`` in [0, 1] with PyTorchVideo's data set and the transforms of its tutorial."""
    steps = [
        UniformTemporalSubsample(CLIP_LENGTH),
        Lambda(_to_unit_range),
        ShortSideScale(INPUT_SIZE[0]),
        RandomCrop(CROP),
    ]
    sampler = make_clip_sampler("random", Fraction(CLIP_LENGTH, FRAME_RATE))
    transform = ApplyTransformToKey("video", Compose(steps))
    return LabeledVideoDataset(videos, sampler, transform=transform, decode_audio=False, decoder=decoder)


def _to_unit_range(clip: Tensor) -> Tensor:
    return clip / 255.0


def reference_clip(folder: Path, start: int) -> Tensor:
    """The 16 frames from ``start`` on as floats in [0, 1], ``(3, 16, 128, 171)``."""
    return _as_tensor(_reference_frames(folder, start))


class ReferenceDataset(Dataset[Tensor]):
    """Random clips ``(3, 16, 112, 112)`` in [0, 1] out of folders of frames."""

    def __init__(self, folders: list[Path]) -> None:
        self.folders = folders

    def __len__(self) -> int:
        return len(self.folders)

    def __getitem__(self, row: int) -> Tensor:
        folder = self.folders[row]
        frames = _reference_frames(folder, start=random.randrange(len(os.listdir(folder)) - CLIP_LENGTH + 1))
        top, left = (random.randrange(side - CROP + 1) for side in INPUT_SIZE)
        return _as_tensor([crop(frame, top, left, CROP, CROP) for frame in frames])


def _reference_frames(folder: Path, start: int) -> list[Image.Image]:
    """Frames, each opened with PIL and scaled to 128 x 171."""
    files = [folder / f"frame{number:06}.jpg" for number in range(start + 1, start + CLIP_LENGTH + 1)]
    return [resize(Image.open(file).convert("RGB"), list(INPUT_SIZE)) for file in files]


def _as_tensor(frames: list[Image.Image]) -> Tensor:
    return torch.stack([to_tensor(frame) for frame in frames], dim=1)
