"""Views, intra-negatives and augmentations of clips.

Each is a function and a thin module around it. All take a clip or any batch of clips ``(..., C, T, H, W)``,
on CPU or GPU, and draw **once per clip**, from ``generator`` or else from PyTorch's global one. So the same
part serves in a PyTorchVideo ``Compose`` inside a data-loading worker and on a whole batch on the device.
"""

from iic_ptv.transforms.augment import (
    ColorJitter,
    GaussianBlur,
    HorizontalFlip,
    Normalize,
    RandomGrayscale,
    color_jitter,
    gaussian_blur,
    grayscale,
    normalize,
    random_horizontal_flip,
)
from iic_ptv.transforms.clip_transform import ClipTransform
from iic_ptv.transforms.crop import CenterCrop, RandomCrop, Resize, ToFloat, center_crop, random_crop, resize, to_float
from iic_ptv.transforms.flow import FlowChannel, flow_channel
from iic_ptv.transforms.freeze_segment import FreezeSegment, freeze_segment
from iic_ptv.transforms.in_turn import InTurn
from iic_ptv.transforms.pipelines import evaluation_transform, strong_train_transform, train_transform
from iic_ptv.transforms.repeat_frame import RepeatFrame, repeat_frame
from iic_ptv.transforms.residual import Residual, residual
from iic_ptv.transforms.reverse_frames import ReverseFrames, reverse_frames
from iic_ptv.transforms.rgb import RGB
from iic_ptv.transforms.rotate_frames import RotateFrames, rotate_frames
from iic_ptv.transforms.shuffle_frames import ShuffleFrames, shuffle_frames
from iic_ptv.transforms.shuffle_segments import ShuffleSegments, shuffle_segments

__all__ = [
    "RGB",
    "CenterCrop",
    "ClipTransform",
    "ColorJitter",
    "FlowChannel",
    "FreezeSegment",
    "GaussianBlur",
    "HorizontalFlip",
    "InTurn",
    "Normalize",
    "RandomCrop",
    "RandomGrayscale",
    "RepeatFrame",
    "Residual",
    "Resize",
    "ReverseFrames",
    "RotateFrames",
    "ShuffleFrames",
    "ShuffleSegments",
    "ToFloat",
    "center_crop",
    "color_jitter",
    "evaluation_transform",
    "flow_channel",
    "freeze_segment",
    "gaussian_blur",
    "grayscale",
    "normalize",
    "random_crop",
    "random_horizontal_flip",
    "repeat_frame",
    "residual",
    "resize",
    "reverse_frames",
    "rotate_frames",
    "shuffle_frames",
    "shuffle_segments",
    "strong_train_transform",
    "to_float",
    "train_transform",
]
