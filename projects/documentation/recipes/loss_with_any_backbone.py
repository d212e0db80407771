"""The inter-intra contrastive loss with a network and a training loop of one's own."""

import argparse

import torch
from torch import nn

from iic_ptv.data.procedural import render_scenes
from iic_ptv.losses import InterIntraNCELoss
from iic_ptv.transforms import RepeatFrame, Residual

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--videos", type=int, default=1000)
parser.add_argument("--frames", type=int, default=16)
parser.add_argument("--size", type=int, default=64)
parser.add_argument("--steps", type=int, default=1000)
options = parser.parse_args()

FEATURES = 128
backbone = nn.Sequential(  # whatever maps (B, 3, T, H, W) to (B, FEATURES)
    nn.Conv3d(3, 32, 3, stride=2, padding=1),
    nn.ReLU(),
    nn.Conv3d(32, FEATURES, 3, stride=2, padding=1),
    nn.ReLU(),
    nn.AdaptiveAvgPool3d(1),
    nn.Flatten(),
)
contrast = InterIntraNCELoss(num_videos=options.videos, feature_dim=FEATURES)  # holds the memory banks
residual, repeat = Residual(), RepeatFrame()
optimizer = torch.optim.SGD(backbone.parameters(), lr=0.01, momentum=0.9)

for step in range(options.steps):
    index = torch.randint(options.videos, (8,))  # which videos these are: rows of the banks
    clips = render_scenes(index, times=2 * torch.arange(float(options.frames)), size=options.size)
    with torch.no_grad():  # the intra-negative only enters its bank
        negative = backbone(repeat(clips))
    loss, metrics = contrast([backbone(clips), backbone(residual(clips))], negative, index)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step}: loss {loss.item():.3f}, positive similarity {metrics['positive_similarity']:.3f}")
