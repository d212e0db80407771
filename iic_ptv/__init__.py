"""iic_ptv: Inter-Intra Contrastive video representation learning as a PyTorchVideo plug-in.

Importing the package is cheap: it loads neither torchvision nor PyTorchVideo, and only makes sure
that ``pytorchvideo.transforms`` can be imported with current torchvision (see :mod:`iic_ptv.compat`).
"""

from iic_ptv import compat

__version__ = "0.1.0"

compat.install()
