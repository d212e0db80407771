"""Checkpoints in the layout of PyTorchVideo's trainer, with configurations of omegaconf in them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from pytorchvideo.models.resnet import create_resnet
from torch import Tensor, nn

WIDTH = 4  # channels of the first convolution
METHODS = {"SimCLR": 3, "MoCo v2": 1, "BYOL": 3}  # with the frames that it covers in the recipes of the trainer


class Momentum(nn.Module):
    """What the trainer trains: a network and a projector, copies of these, and a predictor."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self.backbone = network_and_projector(METHODS[method])
        if method != "SimCLR":
            self.backbone_mmt = network_and_projector(METHODS[method])
        if method == "BYOL":
            self.predictor = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))


class Trained(nn.Module):
    """What the trainer saves the state of."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self.model = Momentum(method)
        self.knn_memory = nn.Module()
        self.knn_memory.register_buffer("memory", torch.rand(5, 3))
        if method == "MoCo v2":
            self.register_buffer("ptr", torch.tensor([0]))
            self.register_buffer("queue_x", torch.rand(4, 3))


def network_and_projector(stem_frames: int) -> nn.Sequential:
    network = create_resnet(
        stem_dim_out=WIDTH, stem_conv_kernel_size=(stem_frames, 7, 7), head_pool=nn.AdaptiveAvgPool3d, dropout_rate=0
    )
    network.blocks[-1].pool, network.blocks[-1].proj = nn.AdaptiveAvgPool3d(1), None
    return nn.Sequential(network, nn.Linear(32 * WIDTH, 3))


def write_trained(path: Path, state: dict[str, Tensor], parameters: Any = None) -> Path:
    """The entries of a Lightning checkpoint."""
    content = {
        "epoch": 12,
        "global_step": 3400,
        "pytorch-lightning_version": "1.6.0",
        "state_dict": state,
        "hparams_name": "kwargs",
        "hyper_parameters": {"optim": {"lr": 0.1}} if parameters is None else parameters,
    }
    torch.save(content, path)
    return path


class DictConfig:
    """Pickled as omegaconf's class of this name; what unpickles it as that runs ``omegaconf``."""

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content


def write_configured(path: Path, state: dict[str, Tensor], monkeypatch: Any) -> Path:
    """As :func:`write_trained`, with a configuration of ``omegaconf``, which is gone again afterwards."""
    module = ModuleType("omegaconf.dictconfig")
    module.DictConfig = DictConfig  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        patch.setattr(DictConfig, "__module__", module.__name__)
        patch.setitem(sys.modules, "omegaconf", ModuleType("omegaconf"))
        patch.setitem(sys.modules, module.__name__, module)
        return write_trained(path, state, {"model": DictConfig({"dim": 3}), "loss": DictConfig({"t": 0.1})})
