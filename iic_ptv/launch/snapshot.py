"""A copy of the code, so that what runs is what was submitted, whatever is edited while the job waits."""

from __future__ import annotations

import importlib.util
import shutil
import site
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from iic_ptv.errors import InputError
from iic_ptv.runs.folder import COMMIT, source_commit
from iic_ptv.zoo.catalogue import FOLDER as ZOO

PACKAGE = Path(__file__).parents[1]
IGNORED = shutil.ignore_patterns("__pycache__", ZOO)


def take_snapshot(folder: Path, plugins: Sequence[str] = ()) -> Path:
    """Copy this package, and plug-ins that are no installed packages, into a folder to be put on ``PYTHONPATH``.

    Its ``model_zoo`` is not copied but linked to: names of weights hold their hash.

    Args:
        folder: where to; it is made.
        plugins: names of modules, as in the configuration key ``PLUGINS``.

    Raises:
        InputError: a plug-in cannot be found.
    """
    copied = folder / PACKAGE.name
    shutil.copytree(PACKAGE, copied, ignore=IGNORED)
    for zoo, link in ((PACKAGE / ZOO, copied / ZOO), (PACKAGE.parent / ZOO, folder / ZOO)):
        if zoo.is_dir():
            link.symlink_to(zoo.resolve())
    (folder / COMMIT).write_text(source_commit() + "\n")
    for name in {plugin.split(".")[0] for plugin in plugins}:
        _copy_plugin(name, folder)
    return folder


def _copy_plugin(name: str, folder: Path) -> None:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise InputError(f"PLUGINS: the module '{name}' cannot be found from here.")
    origin = Path(found.origin)
    installed = [*site.getsitepackages(), site.getusersitepackages(), sysconfig.get_path("stdlib")]
    if any(origin.is_relative_to(place) for place in installed):
        return
    if found.submodule_search_locations:
        shutil.copytree(origin.parent, folder / name, ignore=IGNORED)
    else:
        shutil.copy(origin, folder / origin.name)
