"""What ``iic export`` does: the feature extractor of a checkpoint as a file that needs nothing of this package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fvcore.common.config import CfgNode

from iic_ptv import __version__
from iic_ptv.config import load_config, without_output
from iic_ptv.errors import InputError
from iic_ptv.export.check import TOLERANCE
from iic_ptv.export.extractor import Extractor
from iic_ptv.export.format import FILE, INPUT, ExportDescription, Format
from iic_ptv.export.formats import FORMATS
from iic_ptv.export.onnx import ONNX, check_packages
from iic_ptv.export.write import Exported, write_export
from iic_ptv.registry import VIEWS, load_plugins
from iic_ptv.runs.checkpoint import Checkpoint, read_checkpoint
from iic_ptv.runs.extraction import reading_flow
from iic_ptv.runs.network_description import network_of
from iic_ptv.runs.terminal import say
from iic_ptv.zoo.build import build_network
from iic_ptv.zoo.weights_file import WeightsFile

LOGITS = "logits"
# What may be said of the clips; all else the checkpoint tells.
CLIPS = tuple(f"DATA.{key}" for key in ("CLIP_LENGTH", "STRIDE", "FRAME_RATE", "FRAME_SIZE", "CROP", "AUGMENTATION"))


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Attributes:
        checkpoint: run folder, checkpoint or file of weights.
        format: a name in :data:`~iic_ptv.export.formats.FORMATS`.
        output: the file to write; None: in the current folder, named after backbone and views.
        views: what is made of a clip and embedded; by default the first view of the checkpoint.
        output_of: ``pooled``, ``map`` or ``logits``.
        input_size: height and width of the frames that it is to take; None: those of the training.
        overwrite: replace a file that is there.
        overrides: ``KEY VALUE`` pairs of :data:`CLIPS`.
    """

    checkpoint: str
    format: str
    output: str | None = None
    views: Sequence[str] = ()
    output_of: str = "pooled"
    input_size: Sequence[int] | None = None
    overwrite: bool = False
    overrides: Sequence[str] = ()


def export_command(request: Request) -> Exported:
    """Export, and say what came of it.

    Raises:
        InputError: something that was asked for cannot be used.
    """
    file_format = FORMATS[request.format]
    if file_format is ONNX:
        check_packages()
    checkpoint = _read(request)
    views = _views(request, checkpoint)
    name = "-".join((checkpoint.config.MODEL.BACKBONE, "+".join(views), request.output_of))
    path = Path(request.output or f"{name}{file_format.suffix}")
    say(f"exporting {checkpoint.path} as {file_format.title}")
    try:
        extractor, description = build_extractor(checkpoint, views, request.output_of, request.input_size)
        exported = write_export(extractor, description, file_format, path, request.overwrite)
    except InputError as error:
        raise InputError(f"{checkpoint.path}: {error}") from error
    _say(exported, description, file_format)
    return exported


def build_extractor(
    checkpoint: Checkpoint, views: Sequence[str], output_of: str = "pooled", input_size: Sequence[int] | None = None
) -> tuple[Extractor, ExportDescription]:
    """The module to export, and what there is to say of it.

    Args:
        checkpoint: the networks, and on which clips they were trained.
        views: names of views of RGB, of which each has a network.
        output_of: ``pooled`` or ``map`` for features; ``logits`` of a fine-tuned network.
        input_size: height and width of the frames that it is to take; None: those of the training.

    Raises:
        InputError: the checkpoint is not of the network that its configuration describes.
    """
    network = network_of(checkpoint)
    weights = WeightsFile(network, tuple(checkpoint.networks))
    num_classes, features = (checkpoint.num_classes, "pooled") if output_of == LOGITS else (None, output_of)
    numbers = [0] if network.num_networks == 1 else [network.views.index(view) for view in views]
    networks = [build_network(weights, number, num_classes, features) for number in numbers]
    shape = (3, network.clip.length, *(input_size or network.clip.frame_size))
    description = ExportDescription(__version__, checkpoint.fingerprint, network, tuple(views), output_of, shape)
    return Extractor([VIEWS.get(view)() for view in views], networks, network.clip), description


def _read(request: Request) -> Checkpoint:
    """The checkpoint, with what was said of its clips.

    Raises:
        InputError: it cannot be read, or cannot be exported like this.
    """
    if unknown := [key for key in request.overrides[::2] if key not in CLIPS]:
        raise InputError(f"{unknown[0]}: the checkpoint tells; what can be said beside it are {', '.join(CLIPS)}.")
    if request.input_size and min(request.input_size) < 1:
        raise InputError(f"--input-size: expected height and width in pixels, got {request.input_size}.")
    checkpoint = read_checkpoint(request.checkpoint)
    checkpoint = replace(checkpoint, config=_config(checkpoint, request.overrides))
    if (channels := checkpoint.config.MODEL.OPTIONS.get("in_channels", 3)) != 3:
        raise InputError(f"{checkpoint.path}: its network takes clips of {channels} channels, and views of RGB have 3.")
    if request.output_of == LOGITS and not checkpoint.num_classes:
        raise InputError(f"--logits: {checkpoint.path} has no classifier; `iic finetune` trains one.")
    return checkpoint


def _config(checkpoint: Checkpoint, overrides: Sequence[str]) -> CfgNode:
    cfg = load_config(None, overrides, base=without_output(checkpoint.config))
    load_plugins(cfg.PLUGINS)
    if min(cfg.DATA.FRAME_SIZE) < cfg.DATA.CROP:
        raise InputError(f"DATA.CROP: {cfg.DATA.CROP} is more than DATA.FRAME_SIZE {cfg.DATA.FRAME_SIZE} has.")
    return cfg


def _views(request: Request, checkpoint: Checkpoint) -> list[str]:
    """The views to embed, each once.

    Raises:
        InputError: there is no such view, it cannot be made of RGB, or there are several for one classifier.
    """
    trained = list(checkpoint.config.VIEWS)
    views = list(dict.fromkeys(request.views or trained[:1]))
    if of_flow := reading_flow(views):
        raise InputError(
            f"--view: {of_flow[0]} is made of optical flow, which a clip alone does not tell; export a view of RGB, "
            "such as rgb or residual."
        )
    if len(checkpoint.networks) > 1 and (others := [view for view in views if view not in trained]):
        raise InputError(
            f"--view: {checkpoint.path} has a network for each of {', '.join(trained)}, and none for {others[0]}."
        )
    if request.output_of == LOGITS and len(views) > 1:
        raise InputError("--logits: a classifier takes one view; name it with --view.")
    return views


def _say(exported: Exported, description: ExportDescription, file_format: Format) -> None:
    """What was written, and how to use it."""
    clip, shape = description.network.clip, ", ".join(map(str, description.input_shape))
    frames = f"one frame in {clip.stride}" if clip.stride > 1 else "every frame"
    rate = f" at {clip.frame_rate:g} frames per second" if clip.frame_rate else ""
    output = LOGITS if description.output == LOGITS else f"{description.output} features"
    say(f"written: {exported.path} ({exported.path.stat().st_size / 2**20:.1f} MiB, {file_format.title})")
    say(f"input:   {INPUT}, uint8 (B, {shape}), RGB of 0 to 255, {frames}{rate}; any B")
    say(f"output:  {output} of {' + '.join(description.views)}, float32 (B, {exported.output_size})")
    say(f"error:   {exported.error:.1e} of the norm of the output at most; {TOLERANCE:.0e} is allowed")
    for line in file_format.usage:
        say(f"    {line.replace(FILE, str(exported.path))}")
