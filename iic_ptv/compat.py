"""Repairs that let all of PyTorchVideo 0.1.5 run on the torch, torchvision and PyAV that are installed.

``import iic_ptv`` installs them; nothing is imported for it. Each waits for somebody to import the module that it is
for, looks whether the installed versions need it, and otherwise leaves that module as it is.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import warnings
from collections.abc import Callable, Sequence
from types import ModuleType

# PyTorchVideo issues 258, 269 and 271: its transforms cannot be imported, because torchvision 0.17 renamed this module.
RENAMED_MODULES = {"torchvision.transforms.functional_tensor": "torchvision.transforms._functional_tensor"}


def decode_with_pyav(module: ModuleType) -> None:
    """Let ``decoder="torchvision"`` decode with PyAV where torchvision cannot (PyTorchVideo issue 77).

    torchvision's wheels come without the operator ``video_reader::read_video_from_memory``, and later versions without
    video decoding. Clips are those of ``decoder="pyav"``.
    """
    import torch

    importlib.import_module("torchvision.io")  # loads the operator, where there is one
    if hasattr(torch.ops.video_reader, "read_video_from_memory"):
        return
    warnings.warn("decoder='torchvision': this torchvision cannot decode video; PyAV does it instead.", stacklevel=2)
    module.EncodedVideoTorchVision = importlib.import_module("pytorchvideo.data.encoded_video_pyav").EncodedVideoPyAV  # type: ignore[attr-defined]


def call_script_methods(module: ModuleType) -> None:
    """Let ``MoveChannelRear`` and ``MoveChannelFront`` be called, which raise a TypeError (no issue known).

    Their ``forward`` is a stub that only TorchScript, which torch has deprecated, makes a method of.
    """
    for transform in (module.MoveChannelRear, module.MoveChannelFront):
        transform.forward = getattr(transform.forward, "original_method", transform.forward)


REPAIRS: dict[str, Callable[[ModuleType], None]] = {
    "pytorchvideo.data.encoded_video_torchvision": decode_with_pyav,
    "pytorchvideo.transforms.transforms": call_script_methods,
}


class RenamedModuleFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers the import of a module's old name with the module under its new name.

    It stands last in ``sys.meta_path``: where the old name still exists, Python finds that and this
    finder is never asked. Nothing is imported before somebody asks for the old name.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Claim only the renamed modules."""
        if fullname in RENAMED_MODULES:
            return importlib.machinery.ModuleSpec(fullname, self)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """Make an alias that shares every name of the module at its new place."""
        renamed = importlib.import_module(RENAMED_MODULES[spec.name])
        alias = ModuleType(spec.name, renamed.__doc__)
        alias.__dict__.update({name: value for name, value in vars(renamed).items() if not name.startswith("__")})
        return alias

    def exec_module(self, module: ModuleType) -> None:
        """Nothing left to run: :meth:`create_module` filled the alias."""


class RepairedModuleFinder(importlib.abc.MetaPathFinder):
    """Finds the modules of :data:`REPAIRS` as Python does, and has each repaired once it has run.

    It stands first in ``sys.meta_path``, and answers for these modules alone.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find the module where it is, with a loader that repairs it, too."""
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target) if fullname in REPAIRS else None
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_and_repair(module: ModuleType) -> None:
                run(module)
                REPAIRS[fullname](module)

            setattr(spec.loader, "exec_module", run_and_repair)  # noqa: B010  (of this loader, which is for it alone)
        return spec


def install() -> None:
    """Put the finders in place, once, and repair what was imported before."""
    if any(isinstance(finder, RenamedModuleFinder) for finder in sys.meta_path):
        return
    sys.meta_path.append(RenamedModuleFinder())
    sys.meta_path.insert(0, RepairedModuleFinder())
    for name, repair in REPAIRS.items():
        if name in sys.modules:
            repair(sys.modules[name])
