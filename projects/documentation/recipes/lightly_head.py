"""The loss on a projection head of lightly; any module that maps features to features fits."""

import torch
from lightly.models.modules import SimCLRProjectionHead

from iic_ptv.losses import InBatchLoss
from iic_ptv.models import r3d
from iic_ptv.transforms import Residual, ShuffleSegments

backbone = r3d(width=0.25)
head = SimCLRProjectionHead(input_dim=backbone.feature_dim, hidden_dim=128, output_dim=64)
contrast = InBatchLoss(
    num_videos=0, feature_dim=64
)  # SimCLR's, with intra-negatives: the batch in place of memory banks

clips = torch.rand(4, 3, 8, 32, 32)  # (B, C, T, H, W) in [0, 1]
inputs = [clips, Residual()(clips), ShuffleSegments()(clips)]
rgb, residual, negative = [head(backbone(each)) for each in inputs]
loss, metrics = contrast([rgb, residual], negative, torch.arange(4))
loss.backward()
print({name: round(value.item(), 3) for name, value in metrics.items()})
