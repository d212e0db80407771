"""ONNX, by the exporter that builds on torch.export: runs in onnxruntime and many others, without PyTorch."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.export.extractor import Extractor
from iic_ptv.export.format import DESCRIPTION, FILE, INPUT, ExportDescription, Format
from iic_ptv.export.torch_export import export_program

OPSET = 18
PACKAGES = ("onnx", "onnxscript", "onnxruntime")
ONLY_ERRORS = 3  # of onnxruntime's levels


def write(extractor: Extractor, clips: Tensor, description: ExportDescription, path: Path) -> None:
    """See :class:`Format`.

    Raises:
        InputError: packages are missing.
    """
    check_packages()
    output = "logits" if description.output == "logits" else "features"
    program = torch.onnx.export(
        export_program(extractor, clips),
        dynamo=True,
        input_names=[INPUT],
        output_names=[output],
        opset_version=OPSET,
        verbose=False,
    )
    assert program is not None  # with dynamo it is there
    program.model.metadata_props[DESCRIPTION] = description.text
    program.save(path, external_data=False)


def load(path: Path) -> Callable[[Tensor], Tensor]:
    """See :class:`Format`."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = ONLY_ERRORS
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda clips: torch.from_numpy(session.run(None, {INPUT: clips.numpy()})[0])


def check_packages() -> None:
    """Refuse to begin without the packages that ONNX needs.

    Raises:
        InputError: one is missing.
    """
    for package in PACKAGES:
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise InputError(f"--format onnx: it needs the package {package}; pip install iic-ptv[onnx]") from error


ONNX = Format(
    f"ONNX, opset {OPSET}",
    ".onnx",
    write,
    load,
    (f'session = onnxruntime.InferenceSession("{FILE}")', f'features = session.run(None, {{"{INPUT}": clips}})[0]'),
)
