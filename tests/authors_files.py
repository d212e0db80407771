"""Files in the layouts of the authors of IIC, made from our backbones."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import torch
from torch import Tensor, nn

C3D_LAYERS = {"1.0": "1", "2.0": "2", "3.0": "3a", "3.1": "3b", "4.0": "4a", "4.1": "4b", "5.0": "5a", "5.1": "5b"}


def authors_state(network: nn.Module, backbone: str) -> dict[str, Tensor]:
    """The state of one of our networks under the authors' names."""
    return {_authors_name(name, backbone): value for name, value in network.state_dict().items()}


def write_pretraining(path: Path, network: nn.Module, backbone: str) -> Path:
    """What their pre-training saves: options, network, memory banks, optimiser and epoch."""
    contrast = {name: torch.rand(7, network.feature_dim) for name in ("memory_l", "memory_ab", "memory_neg")}
    torch.save(
        {
            "opt": argparse.Namespace(modality="res", learning_rate=0.01, lr_decay_epochs=[45, 90], gpu=None),
            "model": authors_state(network, backbone),
            "contrast": {"params": torch.tensor([1024.0, 0.07, -1, -1, 0.5]), **contrast},
            "optimizer": {"state": {}, "param_groups": [{"lr": 0.01, "params": [0, 1]}]},
            "epoch": 240,
        },
        path,
    )
    return path


def _authors_name(name: str, backbone: str) -> str:
    name = name.replace("classifier.", "linear.")
    if backbone == "c3d":
        return re.sub(r"layer(\d\.\d)\.(conv|bn)\.", lambda found: f"{found[2]}{C3D_LAYERS[found[1]]}.", name)
    name = re.sub(r"^stem\.bn\.", "bn1.", name)
    name = re.sub(r"^stem\.conv\.", "conv1.", name)
    name = re.sub(r"^layer(\d)\.0\.", lambda found: f"conv{int(found[1]) + 1}.block1.", name)
    name = re.sub(r"^layer(\d)\.(\d+)\.", lambda found: f"conv{int(found[1]) + 1}.blocks.{int(found[2]) - 1}.", name)
    name = name.replace("downsample.0.", "downsampleconv.").replace("downsample.1.", "downsamplebn.")
    if backbone == "r2plus1d":
        return name.replace(".spatial.", ".spatial_conv.").replace(".temporal.", ".temporal_conv.")
    return re.sub(r"(conv\d|downsampleconv)\.weight$", r"\1.temporal_spatial_conv.weight", name)
