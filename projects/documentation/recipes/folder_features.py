"""Features of a folder of videos in ten lines: one vector each, of the zoo's pre-trained R3D."""

import sys

import torch

from iic_ptv.data.collections import any_folder
from iic_ptv.data.decoding import open_video
from iic_ptv.models import r3d
from iic_ptv.zoo import get_weights

weights = get_weights("r3d.iic_procedural")
network, transform = r3d().eval(), weights.transforms(num_clips=4)
network.load_state_dict(weights.get_state_dict())
features = {}
with torch.no_grad():
    for video in any_folder(sys.argv[1]):
        with open_video(video.path) as frames:
            clips = transform(frames.frames(range(frames.num_frames)))  # (4, 3, 16, 64, 64)
        features[video.name] = network(clips).mean(0)  # (512,)
torch.save(features, "features.pth")
print(f"features.pth: {len(features)} videos")
