"""What ``iic convert`` does: weights of others, and of runs of ours, as published weights with a record; and back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from iic_ptv.config import load_config
from iic_ptv.errors import InputError
from iic_ptv.files.atomic import atomic_write
from iic_ptv.registry import load_plugins
from iic_ptv.runs.checkpoint import AUTHORS, FINETUNE, PRETRAIN, ZOO
from iic_ptv.runs.network_description import network_of
from iic_ptv.runs.source import Source, read_source
from iic_ptv.runs.zoo.described import published_config
from iic_ptv.runs.zoo.pinned import pin_clip
from iic_ptv.runs.zoo.recorded import gflops
from iic_ptv.zoo.build import build_network
from iic_ptv.zoo.catalogue import read_record, record_text
from iic_ptv.zoo.record import NAME, PublishedFile, Record
from iic_ptv.zoo.reference import write_reference
from iic_ptv.zoo.weights_file import WeightsFile, name_without_hash, sha256_of, write_weights

# What may be said of the input of a network; all else is told by its file.
SEEN = (
    "VIEWS",
    *(f"DATA.{key}" for key in ("CLIP_LENGTH", "STRIDE", "FRAME_RATE", "FRAME_SIZE", "CROP", "AUGMENTATION")),
)
LICENCES = {AUTHORS: "not stated by the authors"}


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Attributes:
        file: what to convert, or the folder of a run of ours.
        output: the folder to write to.
        suffix: ``.safetensors`` or ``.pth``.
        name: ``architecture.tag``; by default made of the architecture and the name of the file.
        half: write convolutions and linear layers in float16.
        architecture: which network the file is of, where it could be several, or to make sure.
        overrides: ``KEY VALUE`` pairs that say what the network sees.
    """

    file: str
    output: str = "."
    suffix: str = ".safetensors"
    name: str = ""
    half: bool = False
    architecture: str | None = None
    overrides: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Converted:
    """What came of it.

    Attributes:
        source: what was found in the file.
        weights: what was written.
        file: where.
        record: the record beside it.
    """

    source: Source
    weights: WeightsFile
    file: Path
    record: Path


def convert(request: Request) -> Converted:
    """Write the network in a file as a file of weights of ours, and a record of what is known of it beside it.

    A record of the same name that says the same is added to, for instance by the other format; another is left alone.

    Raises:
        InputError: the file cannot be read or is not known, the weights do not make the network that they seem to be,
            or there is another record of that name.
    """
    source, weights = _read(request)
    name = _name(request, source)
    record = _record(name, source, weights)
    if request.half:
        weights = weights.half()
    path = Path(request.output) / f"{name}.json"
    before = read_record(path) if path.is_file() else None
    if before is not None and replace(before, files=()) != record:
        raise InputError(f"--name: {path} is a record of other weights, or says more of them; choose another name.")
    file = _write(request, name, weights)
    written = PublishedFile(
        file.name, file.stat().st_size, sha256_of(file), "float16" if _is_half(weights) else "float32"
    )
    others = [each for each in before.files if each.file != file.name] if before else []
    try:
        with atomic_write(path) as temporary:
            temporary.write_text(record_text(replace(record, files=(*others, written))), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}).") from error
    return Converted(source, weights, file, path)


def convert_to_reference(request: Request) -> tuple[Source, list[Path]]:
    """Write the networks in a file as files that the code of IIC's authors loads, one for each.

    Raises:
        InputError: the file cannot be read or is not known, or the authors have no such network.
    """
    source, weights = _read(request)
    name, network = _name(request, source), weights.network
    views = [""] if network.num_networks == 1 else [f".{i}-{view}" for i, view in enumerate(network.views)]
    paths = [Path(request.output) / f"{name}{view}.reference.pth" for view in views]
    for path, state in zip(paths, weights.networks, strict=True):
        try:
            write_reference(path, network.architecture, state)
        except InputError as error:
            raise InputError(f"{source.checkpoint.path}: {error}") from error
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror}).") from error
    return source, paths


def _read(request: Request) -> tuple[Source, WeightsFile]:
    if unknown := [key for key in request.overrides[::2] if key not in SEEN]:
        raise InputError(f"{unknown[0]}: the file tells; what can be said beside it are {', '.join(SEEN)}.")
    source = read_source(request.file, request.architecture)
    checkpoint = source.checkpoint
    known_views = len(checkpoint.config.VIEWS)
    config = load_config(None, request.overrides, base=checkpoint.config)
    load_plugins(config.PLUGINS)
    if len(checkpoint.networks) > 1 and len(config.VIEWS) != known_views:
        raise InputError(f"VIEWS: {checkpoint.path} has a network for each of {known_views} views; name as many.")
    network = network_of(replace(checkpoint, config=config))
    if source.file is not None:
        return source, replace(source.file, network=network)
    told = published_config(config) if checkpoint.writer in (PRETRAIN, FINETUNE) else ""
    origin = f"{checkpoint.path.name}, {checkpoint.writer}"
    return source, WeightsFile(network, tuple(checkpoint.networks), told, origin)


def _record(name: str, source: Source, weights: WeightsFile) -> Record:
    """What is known, without the file."""
    if source.record is not None and source.record.network == weights.network:
        return replace(source.record, name=name, files=(), config="", log="", default=False)
    checkpoint = source.checkpoint
    try:
        networks = [build_network(weights, number) for number in range(len(weights.networks))]
    except InputError as error:
        raise InputError(f"{checkpoint.path}: {error}") from error
    foreign = checkpoint.writer not in (PRETRAIN, FINETUNE, ZOO)
    return Record(
        name,
        f"{weights.network.architecture} of {checkpoint.path.name}, by {checkpoint.writer}",
        weights.network,
        source.pretraining,
        sum(parameter.numel() for parameter in networks[0].parameters()),
        gflops(networks[0], weights),
        LICENCES.get(checkpoint.writer, "not stated"),
        pinned_clip=pin_clip(weights) if weights.network.options.get("in_channels", 3) == 3 else None,
        how_to_convert=f"iic convert {checkpoint.path.name}" if foreign else "",
    )


def _name(request: Request, source: Source) -> str:
    checkpoint = source.checkpoint
    path = checkpoint.run_folder if checkpoint.writer in (PRETRAIN, FINETUNE) else checkpoint.path
    if request.name:
        name = request.name
    elif checkpoint.writer == ZOO:
        name = name_without_hash(path)
    else:
        tag = re.sub(r"[^a-z0-9_-]+", "_", (path.name if path.is_dir() else name_without_hash(path)).lower())
        name = f"{checkpoint.config.MODEL.BACKBONE}.{tag}"
    if not NAME.fullmatch(name):
        raise InputError(
            f"--name: '{name}' is no name for a checkpoint: they are like r3d.iic_ucf101, of small letters, digits, _ "
            "and -."
        )
    return name


def _write(request: Request, name: str, weights: WeightsFile) -> Path:
    try:
        return write_weights(request.output, name, weights, request.suffix)
    except OSError as error:
        raise InputError(f"{request.output}: cannot be written to ({error.strerror}).") from error


def _is_half(weights: WeightsFile) -> bool:
    return any(value.dtype == torch.float16 for value in weights.networks[0].values())
