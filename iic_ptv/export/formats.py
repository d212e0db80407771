"""The formats, by the names under which they are asked for."""

from __future__ import annotations

from iic_ptv.export.onnx import ONNX
from iic_ptv.export.torch_export import TORCH_EXPORT
from iic_ptv.export.torchscript import TORCHSCRIPT

FORMATS = {"torchscript": TORCHSCRIPT, "onnx": ONNX, "torch.export": TORCH_EXPORT}
