"""TorchScript: runs in Python and, with libtorch, in C++."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from iic_ptv.export.extractor import Extractor
from iic_ptv.export.format import DESCRIPTION, FILE, ExportDescription, Format


class CheckedClips(nn.Module):
    """Refuses clips of another type or size than those traced, with which the result would be wrong.

    Args:
        extractor: what was traced.
        shape: ``(3, T, H, W)`` of a clip.
    """

    def __init__(self, extractor: nn.Module, shape: list[int]) -> None:
        super().__init__()
        self.extractor = extractor
        self.shape = shape

    def forward(self, clips: Tensor) -> Tensor:
        """Map clips ``(B, 3, T, H, W)`` to features ``(B, D)``."""
        if clips.dtype != torch.uint8 or list(clips.shape[1:]) != self.shape:
            raise ValueError(f"expected uint8 clips (B, {self.shape}), got shape {list(clips.shape)}")
        return self.extractor(clips)


def write(extractor: Extractor, clips: Tensor, description: ExportDescription, path: Path) -> None:
    """Trace, because sizes are settled and networks need not be written for the compiler; see :class:`Format`."""
    traced = torch.jit.trace(extractor, clips, check_trace=False)  # that the file is right is checked afterwards
    checked = torch.jit.script(CheckedClips(traced, list(clips.shape[1:])).eval())
    buffer = io.BytesIO()  # in a file, the name of the temporary one would stand
    torch.jit.save(checked, buffer, _extra_files={DESCRIPTION: description.text})
    _write_without_traces(buffer, path)


def _write_without_traces(module: io.BytesIO, path: Path) -> None:
    """Write all but the notes on the folders in which the code of each operator was."""
    with zipfile.ZipFile(module) as whole, zipfile.ZipFile(path, "w") as written:
        for entry in whole.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                written.writestr(entry, whole.read(entry))


def load(path: Path) -> Callable[[Tensor], Tensor]:
    """See :class:`Format`."""
    module: Callable[[Tensor], Tensor] = torch.jit.load(path)
    return module


TORCHSCRIPT = Format(
    "TorchScript", ".pt", write, load, (f'extract = torch.jit.load("{FILE}")', "features = extract(clips)")
)
