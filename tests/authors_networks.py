"""Networks with the authors' names for their layers, to load files into: their plan in plain modules of our own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Size = tuple[int, int, int]


class FullConv(nn.Module):
    """A convolution of R3D."""

    def __init__(self, channels: tuple[int, int], kernel: Size, stride: Size) -> None:
        super().__init__()
        padding = [size // 2 for size in kernel]
        self.temporal_spatial_conv = nn.Conv3d(*channels, kernel, stride, padding, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.temporal_spatial_conv(x)


class FactoredConv(nn.Module):
    """A convolution of R(2+1)D."""

    def __init__(self, channels: tuple[int, int], kernel: Size, stride: Size) -> None:
        super().__init__()
        (source, target), (kt, kh, kw), (st, sh, sw) = channels, kernel, stride
        middle = kt * kh * kw * source * target // (kh * kw * source + kt * target)
        self.spatial_conv = nn.Conv3d(source, middle, (1, kh, kw), (1, sh, sw), (0, kh // 2, kw // 2), bias=False)
        self.bn = nn.BatchNorm3d(middle)
        self.temporal_conv = nn.Conv3d(middle, target, (kt, 1, 1), (st, 1, 1), (kt // 2, 0, 0), bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.temporal_conv(F.relu(self.bn(self.spatial_conv(x))))


CONVOLUTIONS = {"r3d": FullConv, "r2plus1d": FactoredConv}


class Block(nn.Module):
    def __init__(self, conv: type[nn.Module], source: int, target: int, stride: int) -> None:
        super().__init__()
        strides = (stride, stride, stride)
        self.conv1, self.bn1 = conv((source, target), (3, 3, 3), strides), nn.BatchNorm3d(target)
        self.conv2, self.bn2 = conv((target, target), (3, 3, 3), (1, 1, 1)), nn.BatchNorm3d(target)
        self.halves = stride == 2
        if self.halves:
            self.downsampleconv = conv((source, target), (1, 1, 1), strides)
            self.downsamplebn = nn.BatchNorm3d(target)

    def forward(self, x: Tensor) -> Tensor:
        beside = self.downsamplebn(self.downsampleconv(x)) if self.halves else x
        return F.relu(beside + self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


class Stage(nn.Module):
    def __init__(self, conv: type[nn.Module], source: int, target: int, stride: int, blocks: int) -> None:
        super().__init__()
        self.block1 = Block(conv, source, target, stride)
        self.blocks = nn.ModuleList(Block(conv, target, target, 1) for _ in range(blocks - 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.block1(x)
        for block in self.blocks:
            x = block(x)
        return x


class Residual(nn.Module):
    """R3D or R(2+1)D; features ``(B, D)``, or logits with ``classes``."""

    def __init__(self, name: str, channels: Sequence[int], blocks: Sequence[int], classes: int = 0) -> None:
        super().__init__()
        conv = CONVOLUTIONS[name]
        self.conv1, self.bn1 = conv((3, channels[0]), (3, 7, 7), (1, 2, 2)), nn.BatchNorm3d(channels[0])
        self.conv2 = Stage(conv, channels[0], channels[0], 1, blocks[0])
        self.conv3 = Stage(conv, channels[0], channels[1], 2, blocks[1])
        self.conv4 = Stage(conv, channels[1], channels[2], 2, blocks[2])
        self.conv5 = Stage(conv, channels[2], channels[3], 2, blocks[3])
        if classes:
            self.linear = nn.Linear(channels[3], classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        pooled = self.conv5(self.conv4(self.conv3(self.conv2(x)))).mean(dim=(2, 3, 4))
        return self.linear(pooled) if hasattr(self, "linear") else pooled


LAYERS = ("1", "2", "3a", "3b", "4a", "4b", "5a", "5b")
POOLED = {"1": (1, 2, 2), "2": (2, 2, 2), "3b": (2, 2, 2), "4b": (2, 2, 2)}


class C3D(nn.Module):
    """C3D; features ``(B, D)``, or logits with ``classes``."""

    def __init__(self, channels: Sequence[int], classes: int = 0) -> None:
        super().__init__()
        source = 3
        for layer in LAYERS:
            target = channels[int(layer[0]) - 1]
            self.add_module(f"conv{layer}", nn.Conv3d(source, target, 3, padding=1))
            self.add_module(f"bn{layer}", nn.BatchNorm3d(target))
            source = target
        if classes:
            self.linear = nn.Linear(source, classes)

    def forward(self, x: Tensor) -> Tensor:
        for layer in LAYERS:
            x = F.relu(self.get_submodule(f"bn{layer}")(self.get_submodule(f"conv{layer}")(x)))
            x = F.max_pool3d(x, POOLED[layer]) if layer in POOLED else x
        pooled = x.mean(dim=(2, 3, 4))
        return self.linear(pooled) if hasattr(self, "linear") else pooled


def authors_network(name: str, width: float, blocks: Sequence[int] = (1, 1, 1, 1), classes: int = 0) -> nn.Module:
    """One of the three."""
    channels = [round(width * count) for count in (64, 128, 256, 512, 512)]
    return C3D(channels, classes) if name == "c3d" else Residual(name, channels, blocks, classes)


def with_statistics(network: nn.Module) -> nn.Module:
    """BatchNorms as after training, so that each one counts."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            for value in (module.running_mean, module.bias.data):
                value.uniform_(-0.5, 0.5)
            for value in (module.running_var, module.weight.data):
                value.uniform_(0.5, 2)
            module.num_batches_tracked.copy_(torch.tensor(7))
    return network.eval()
