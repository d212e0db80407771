"""What ``iic convert`` says of what it has done, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from iic_ptv.models.c3d import STAGE_CHANNELS as C3D_CHANNELS
from iic_ptv.models.layers import scale_channels
from iic_ptv.models.resnet3d import ONE_EACH, STAGE_CHANNELS
from iic_ptv.runs.convert import Converted
from iic_ptv.runs.source import Source
from iic_ptv.runs.terminal import counted, say
from iic_ptv.zoo.hub import ARCHITECTURES


def say_converted(converted: Converted) -> None:
    """What was read, what was left out, what was written, and what it is good for."""
    _say_source(converted.source)
    network = converted.weights.network
    clip = network.clip
    say(
        f"sees: {', '.join(network.views)}; {clip.length} frames, stride {clip.stride}, {clip.crop} x {clip.crop} of "
        f"{clip.frame_size[0]} x {clip.frame_size[1]}{', normalised colours' if clip.normalized else ''} "
        "(VIEWS and DATA.* say otherwise)"
    )
    if converted.source.note:
        say(f"note: {converted.source.note}", style="yellow")
    say(f"weights: {converted.file}")
    say(f"record: {converted.record}")
    say(f"next: iic retrieve --checkpoint {converted.file} --data FOLDER")
    if network.architecture in ARCHITECTURES:
        say(f'or: torch.hub.load(REPOSITORY, "{network.architecture}", weights="{converted.file}")')


def say_reference(source: Source, files: Sequence[Path]) -> None:
    """What was read and written, and for what network of the authors."""
    _say_source(source)
    for file in files:
        say(f"weights: {file}")
    say(f"for the authors' {_authors_network(source)}")


def _say_source(source: Source) -> None:
    checkpoint = source.checkpoint
    options = ", ".join(f"{name} {value}" for name, value in checkpoint.config.MODEL.OPTIONS.items())
    tensors = sum(map(len, checkpoint.networks))
    classes = f", a classifier of {counted(checkpoint.num_classes, 'output')}" if checkpoint.num_classes else ""
    say(
        f"read: {checkpoint.config.MODEL.BACKBONE}{f' ({options})' if options else ''} of {checkpoint.writer}, "
        f"{counted(tensors, 'tensor')}{classes}"
    )
    if source.left_out:
        say(f"left out: {', '.join(source.left_out)}")


def _authors_network(source: Source) -> str:
    """How they have to build it."""
    options, backbone = source.checkpoint.config.MODEL.OPTIONS, source.checkpoint.config.MODEL.BACKBONE
    parts = [backbone]
    if backbone != "c3d":
        parts.append(f"with layer sizes {', '.join(map(str, options.get('blocks', ONE_EACH)))}")
    if "width" in options:
        full = C3D_CHANNELS if backbone == "c3d" else STAGE_CHANNELS
        parts.append(f"changed to {', '.join(map(str, scale_channels(full, options.width)))} channels")
    if "in_channels" in options:
        parts.append(f"changed to {options.in_channels} input channels")
    classes = source.checkpoint.num_classes
    parts.append(f"with a classifier of {counted(classes, 'output')}" if classes else "without a classifier")
    return ", ".join(parts)
