"""Repairs that let PyTorchVideo 0.1.5 run on current torchvision.

PyTorchVideo imports ``torchvision.transforms.functional_tensor``, which torchvision 0.17 renamed to
``_functional_tensor`` (PyTorchVideo issues 258, 269 and 271; never fixed in a release).
"""

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType

RENAMED_MODULES = {"torchvision.transforms.functional_tensor": "torchvision.transforms._functional_tensor"}


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


def install() -> None:
    """Register the finder, once."""
    if not any(isinstance(finder, RenamedModuleFinder) for finder in sys.meta_path):
        sys.meta_path.append(RenamedModuleFinder())
