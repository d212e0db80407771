"""Views and intra-negatives in a PyTorchVideo classification pipeline: residual frames in, classes out."""

import argparse

import iic_ptv  # noqa: F401  (first: with current torchvision, pytorchvideo.transforms needs it)

# isort: split
import torch
from pytorchvideo.data import LabeledVideoDataset, make_clip_sampler
from pytorchvideo.models import create_resnet
from pytorchvideo.transforms import ApplyTransformToKey, ShortSideScale, UniformTemporalSubsample
from torch.utils.data import DataLoader
from torchvision.transforms import Compose, Lambda

from iic_ptv.data.collections import class_folders
from iic_ptv.transforms import RandomCrop, Residual

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("folder", help="a folder of class folders")
parser.add_argument("--frames", type=int, default=8)
parser.add_argument("--crop", type=int, default=160)
parser.add_argument("--seconds", type=float, default=2.0, help="of a clip")
parser.add_argument("--steps", type=int, default=1000)
options = parser.parse_args()

to_residual = Compose(
    [
        UniformTemporalSubsample(options.frames),
        Lambda(lambda clip: clip / 255),
        ShortSideScale(options.crop * 8 // 7),
        RandomCrop(options.crop),
        Residual(),  # ours, as any of theirs: (C, T, H, W) in [0, 1] to (C, T, H, W) in [0, 1]
    ]
)
index = class_folders(options.folder)
videos = LabeledVideoDataset(
    index.to_labeled_video_paths(),
    clip_sampler=make_clip_sampler("random", options.seconds),
    transform=ApplyTransformToKey("video", to_residual),
    decode_audio=False,
)
model = create_resnet(model_num_class=len(index.class_names), head_pool=torch.nn.AdaptiveAvgPool3d)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
for step, batch in zip(range(options.steps), DataLoader(videos, batch_size=4), strict=False):
    loss = torch.nn.functional.cross_entropy(model(batch["video"]), batch["label"])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step}: loss {loss.item():.3f}")
