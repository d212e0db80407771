"""Pre-train PyTorchVideo's `slow_r50` with IIC on a folder of videos, and keep its weights as PyTorchVideo has them."""

import argparse
from functools import partial

import lightning
import torch

from iic_ptv.data.clip_reader import ClipReader
from iic_ptv.data.clips import ClipDataset
from iic_ptv.data.collections import any_folder
from iic_ptv.data.module import ClipDataModule
from iic_ptv.losses import InterIntraNCELoss
from iic_ptv.registry import BACKBONES
from iic_ptv.tasks.iic import IICTask
from iic_ptv.transforms import RepeatFrame, train_transform

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("folder", help="videos, without labels")
parser.add_argument("--frames", type=int, default=8)
parser.add_argument("--crop", type=int, default=112)
parser.add_argument("--batch-size", type=int, default=16)
parser.add_argument("--epochs", type=int, default=240)
parser.add_argument("--output", default="slow_r50_iic.pth")
options = parser.parse_args()

height, width = options.crop * 8 // 7, options.crop * 3 // 2
clips = ClipDataset(any_folder(options.folder), ClipReader(options.frames, size=(height, width)), seed=0)
data = ClipDataModule(clips, options.batch_size, transform=train_transform(options.crop, (height, width)))
backbone = BACKBONES.get("slow_r50")()  # or x3d_s, c2d_r50, slowfast_r50, ...
task = IICTask(
    model=backbone,
    loss=InterIntraNCELoss(num_videos=len(clips), feature_dim=backbone.feature_dim),
    optim=partial(torch.optim.SGD, lr=0.01, momentum=0.9, weight_decay=1e-4),
    intra_negative=RepeatFrame(),
)
lightning.Trainer(max_epochs=options.epochs, logger=False, enable_checkpointing=False).fit(task, datamodule=data)
torch.save(backbone.trunk.state_dict(), options.output)  # stem and stages, the blocks of pytorchvideo.models.hub
print(f"{options.output}: {sum(each.numel() for each in backbone.parameters()) / 1e6:.1f} M parameters")
