"""Backbones and projection heads.

Those here need torch alone. torchvision's and PyTorchVideo's networks are built through
``iic_ptv.registry.BACKBONES`` or from :mod:`iic_ptv.models.torchvision_backbone` and
:mod:`iic_ptv.models.pytorchvideo_backbone`.
"""

from iic_ptv.models.backbone import Backbone
from iic_ptv.models.c3d import c3d
from iic_ptv.models.heads import MLPProjection
from iic_ptv.models.r2plus1d import r2plus1d
from iic_ptv.models.r3d import r3d

__all__ = ["Backbone", "MLPProjection", "c3d", "r2plus1d", "r3d"]
