"""Weights as we publish them: safetensors, or ``.pth`` that ``torch.load(weights_only=True)`` reads.

Either holds the state of the backbone (with its ``classifier``, if it has one) under the names of its ``state_dict``,
and a description from which it can be built. Several networks, one for each view, are told apart by ``0.``, ``1.``
before the names. A file is called ``NAME-<first 8 digits of its SHA-256>``, as torch.hub has it.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.files.atomic import atomic_write
from iic_ptv.files.structured import StructureError, from_json, to_json
from iic_ptv.zoo.description import NetworkDescription

Weights = dict[str, Tensor]

SUFFIXES = (".safetensors", ".pth")
FORMAT = "iic_ptv weights 1"
DESCRIPTION = "iic_ptv"  # the entry of the file that describes the tensors, as JSON
STATE = "state_dict"  # of a .pth file
CLASSIFIER = "classifier."  # prefix of the names of a backbone's classifier


@dataclass(frozen=True, eq=False)
class WeightsFile:
    """What a file of weights holds.

    Attributes:
        network: how the network is built.
        networks: the state of the backbone, or of one for each view.
        config: the configuration of the run that trained it, as YAML; empty if that is not known.
        origin: what it was made from, for people.
    """

    network: NetworkDescription
    networks: tuple[Weights, ...]
    config: str = ""
    origin: str = ""

    @property
    def num_classes(self) -> int:
        """Outputs of the classifier, 0 without one."""
        bias = self.networks[0].get(f"{CLASSIFIER}bias")
        return 0 if bias is None else len(bias)

    def half(self) -> WeightsFile:
        """The same with convolutions and linear layers in float16; BatchNorm, small but delicate, stays as it is."""
        return replace(self, networks=tuple({name: _halved(value) for name, value in w.items()} for w in self.networks))


def write_weights(folder: str | Path, name: str, weights: WeightsFile, suffix: str = ".safetensors") -> Path:
    """Write ``NAME-<hash><suffix>``; the same weights give the same bytes.

    Args:
        folder: where to write; made if it does not exist.
        name: what the file is called before its hash, such as ``r3d.iic``.
        weights: what to write.
        suffix: ``.safetensors`` or ``.pth``.

    Returns:
        The path of the file.

    Raises:
        OSError: it cannot be written.
    """
    content = _safetensors(weights) if suffix == ".safetensors" else _pth(weights)
    path = Path(folder) / f"{name}-{hashlib.sha256(content).hexdigest()[:8]}{suffix}"
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    return path


def read_weights(path: str | Path) -> WeightsFile:
    """Read a file that :func:`write_weights` wrote; code in it is never run.

    Raises:
        InputError: no such file, or it is damaged or of another kind.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file of weights.")
    return weights_of(path, read_safetensors(path) if path.suffix == ".safetensors" else _read_pth(path))


def is_weights(content: Any) -> bool:
    """Whether the content of a file is that of one of ours."""
    return isinstance(content, dict) and isinstance(content.get(STATE), dict) and DESCRIPTION in content


def weights_of(path: Path, content: Any) -> WeightsFile:
    """What the content of a file holds that :func:`write_weights` wrote.

    Args:
        path: the file, for messages.
        content: what :func:`read_safetensors` or ``torch.load`` made of it.

    Raises:
        InputError: it is of another kind.
    """
    state, text = (content[STATE], content[DESCRIPTION]) if is_weights(content) else ({}, "")
    try:
        description = json.loads(text)
        if description.pop("format") != FORMAT:
            raise StructureError("format")
        network = from_json(NetworkDescription, description.pop("network"), "network")
        config, origin = (description.pop(name) for name in ("config", "origin"))
        if description or not isinstance(config, str) or not isinstance(origin, str):
            raise StructureError("config and origin are texts, and all that there is beside the network")
        if network.num_networks < 1 or not all(isinstance(value, Tensor) for value in state.values()):
            raise StructureError("it has no networks, or they are not of tensors")
        return WeightsFile(network, _apart(state, network.num_networks), config, origin)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: not a file of weights of ours, as it does not describe its network ({error}). "
            "`iic convert` reads those of others."
        ) from error


def sha256_of(path: str | Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _digest(file)


def hash_in_name(path: str | Path) -> str:
    """The first digits of the hash that a file's name ends with, as in ``NAME-1a2b3c4d.pth``; empty if none."""
    found = re.search(r"-([0-9a-f]{8,64})\.[A-Za-z]+$", Path(path).name)
    return found[1] if found else ""


def check_hash_in_name(path: Path) -> None:
    """Refuse a file of ours that is not what its name says.

    Raises:
        InputError: it has another hash.
    """
    expected = hash_in_name(path)
    if expected and not sha256_of(path).startswith(expected):
        raise InputError(f"{path}: this file is damaged: its SHA-256 does not begin with {expected}, as its name says.")


def name_without_hash(path: str | Path) -> str:
    """What a file is called before its hash, such as ``r3d.iic``."""
    path, digits = Path(path), hash_in_name(path)
    return path.stem.removesuffix(f"-{digits}") if digits else path.stem


def _digest(file: Any) -> str:
    """As ``hashlib.file_digest``, which Python 3.10 does not have."""
    digest = hashlib.sha256()
    while block := file.read(2**20):
        digest.update(block)
    return digest.hexdigest()


def _halved(value: Tensor) -> Tensor:
    return value.half() if value.is_floating_point() and value.ndim >= 2 else value


def _description(weights: WeightsFile) -> str:
    return json.dumps(
        {
            "format": FORMAT,
            "network": to_json(weights.network),
            "config": weights.config,
            "origin": weights.origin,
        }
    )


def _together(networks: tuple[Weights, ...]) -> Weights:
    """All of them by name, in the order of names, as a file does not keep another one in which they may have been."""
    prefixes = [""] if len(networks) == 1 else [f"{i}." for i in range(len(networks))]
    state = {
        f"{prefix}{name}": _alone(value)
        for prefix, weights in zip(prefixes, networks, strict=True)
        for name, value in weights.items()
    }
    return dict(sorted(state.items()))


def _alone(value: Tensor) -> Tensor:
    """A copy in memory of its own: a file holds the whole memory of what is written, also if that is a slice of it."""
    return value.detach().cpu().clone(memory_format=torch.contiguous_format)


def _apart(state: Weights, num_networks: int) -> tuple[Weights, ...]:
    if num_networks == 1:
        return (state,)
    networks: list[Weights] = [{} for _ in range(num_networks)]
    for name, value in state.items():
        number, _, rest = name.partition(".")
        if not number.isdecimal() or int(number) >= num_networks:
            raise StructureError(f"{name} is of none of its {num_networks} networks")
        networks[int(number)][rest] = value
    return tuple(networks)


def _safetensors(weights: WeightsFile) -> bytes:
    from safetensors.torch import save  # torch.hub's users need not have it

    return bytes(save(_together(weights.networks), {DESCRIPTION: _description(weights)}))


def read_safetensors(path: Path) -> dict[str, Any]:
    """What a safetensors file holds: of ours what a ``.pth`` file of ours does, of others the tensors by name.

    Raises:
        InputError: it is damaged or of another kind.
    """
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise InputError(f"{path}: to read it, `pip install safetensors`; .pth files need torch alone.") from error
    try:
        with safe_open(path, framework="pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dictionary
            text = (file.metadata() or {}).get(DESCRIPTION)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: not a readable safetensors file; it is damaged or of another kind.") from error
    return state if text is None else {STATE: state, DESCRIPTION: text}


def _pth(weights: WeightsFile) -> bytes:
    buffer = io.BytesIO()
    torch.save({STATE: _together(weights.networks), DESCRIPTION: _description(weights)}, buffer)
    return buffer.getvalue()


def _read_pth(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what a file of any other kind can raise has no end
        raise InputError(f"{path}: not a readable file of weights; it is damaged or of another kind.") from error
