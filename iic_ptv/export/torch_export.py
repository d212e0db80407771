"""torch.export: a graph of PyTorch's operators, to run, to compile or to bring to other devices."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

from iic_ptv.export.extractor import Extractor
from iic_ptv.export.format import DESCRIPTION, FILE, ExportDescription, Format


def export_program(extractor: Extractor, clips: Tensor) -> ExportedProgram:
    """The graph for any number of clips like these ``(2, 3, T, H, W)``, without the folders in which the code was."""
    program = torch.export.export(extractor, (clips,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    return program


def write(extractor: Extractor, clips: Tensor, description: ExportDescription, path: Path) -> None:
    """See :class:`Format`."""
    buffer = io.BytesIO()  # in a file, the name of the temporary one would stand
    torch.export.save(export_program(extractor, clips), buffer, extra_files={DESCRIPTION: description.text})
    path.write_bytes(buffer.getvalue())


def load(path: Path) -> Callable[[Tensor], Tensor]:
    """See :class:`Format`."""
    return torch.export.load(path).module()


TORCH_EXPORT = Format(
    "torch.export",
    ".pt2",
    write,
    load,
    (f'extract = torch.export.load("{FILE}").module()', "features = extract(clips)"),
)
