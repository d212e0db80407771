"""What is published: a source distribution, and the wheel that is built of it, installed away from the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from iic_ptv import __version__
from iic_ptv.data.procedural import write_videos
from iic_ptv.runs.doctor.packages import EXTRAS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SOURCES = ("iic_ptv", "model_zoo", "tests", *(path.name for path in ROOT.iterdir() if path.is_file()))
RECIPE = ROOT / "projects" / "documentation" / "recipes" / "folder_features.py"
FOR_DEVELOPERS = {"docs", "dev"}  # extras
OFFLINE = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
BUILD_SDIST = "import sys, setuptools.build_meta; setuptools.build_meta.build_sdist(sys.argv[1])"
LOAD = """
import torch, iic_ptv
from iic_ptv.zoo.hub import hub_network
features = hub_network("r3d", pretrained=True).eval()(torch.zeros(1, 3, 16, 64, 64))
print(iic_ptv.__file__, tuple(features.shape))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution and the wheel that was built of it, as pip does for others."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-c", BUILD_SDIST, folder], cwd=source, check=True, capture_output=True)
    (sdist,) = folder.glob("*.tar.gz")
    command = [sys.executable, "-m", "pip", "wheel", *OFFLINE, "--no-build-isolation", "-w", folder, sdist]
    subprocess.run(command, check=True)
    return folder


@pytest.fixture(scope="module")
def site(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel installed into a folder of its own, which lies in somebody's git repository."""
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    identity = ("-c", "user.name=somebody", "-c", "user.email=nobody@example.org")
    commit = ["git", *identity, "commit", "--quiet", "--allow-empty", "--message", "theirs"]
    subprocess.run(commit, cwd=folder, check=True)
    command = [sys.executable, "-m", "pip", "install", *OFFLINE, "--no-compile", "--target", folder / "site"]
    subprocess.run([*command, next(built.glob("*.whl"))], check=True)
    return folder / "site"


def python(site: Path, cwd: Path, *arguments: str | Path) -> str:
    """What Python prints with the installed wheel and the libraries that are here."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    result = subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def names_in(built: Path) -> tuple[set[str], set[str]]:
    """What is in the source distribution, and in the wheel."""
    (sdist,), (wheel,) = built.glob("*.tar.gz"), built.glob("*.whl")
    with tarfile.open(sdist) as archive:
        in_sdist = {member.name.partition("/")[2] for member in archive if member.isfile()}
    with zipfile.ZipFile(wheel) as archive:
        return in_sdist, {*archive.namelist()}


def test_they_hold_what_the_package_needs_and_nothing_else(built: Path) -> None:
    package = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "iic_ptv").rglob("*")
        if path.is_file() and path.suffix != ".md" and "__pycache__" not in path.parts
    }
    zoo = {str(path.relative_to(ROOT)) for path in (ROOT / "model_zoo").rglob("*") if path.is_file()}
    assert any(name.endswith("py.typed") for name in package)
    in_sdist, in_wheel = names_in(built)
    assert package | zoo <= in_sdist
    assert {name for name in in_wheel if ".dist-info/" not in name} == package | {f"iic_ptv/{name}" for name in zoo}
    assert {name.partition("/")[0] for name in in_sdist if "/" in name} == {"iic_ptv", "iic_ptv.egg-info", "model_zoo"}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "CITATION.cff", "setup.py", "pyproject.toml"} <= in_sdist


def test_the_doctor_knows_the_extras(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        metadata = message_from_bytes(archive.read(f"iic_ptv-{__version__}.dist-info/METADATA"))
    assert {*metadata.get_all("Provides-Extra", [])} - FOR_DEVELOPERS == {*EXTRAS}
    required = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]
    for name, extra in EXTRAS.items():
        asked = {each.name for each in required if re.search(f"extra == ['\"]{name}['\"]", str(each.marker or ""))}
        assert asked == {*extra.distributions}, name


def test_its_version_is_not_the_commit_of_a_repository_around_it(site: Path, tmp_path: Path) -> None:
    assert python(site, tmp_path, "-m", "iic_ptv", "--version") == f"iic_ptv {__version__}\n"


def test_weights_come_with_it(site: Path, tmp_path: Path) -> None:
    assert python(site, tmp_path, "-c", LOAD) == f"{site / 'iic_ptv' / '__init__.py'} (1, 512)\n"


def test_a_recipe_runs_away_from_the_repository(site: Path, tmp_path: Path) -> None:
    options = {"motions": ("bounce",), "train_per_class": 2, "test_per_class": 0, "num_frames": 16, "size": 32}
    videos = write_videos(tmp_path / "rendered", **options, progress=False) / "videos"  # type: ignore[arg-type]
    assert "2 videos" in python(site, tmp_path, shutil.copy(RECIPE, tmp_path), videos)
    assert (tmp_path / "features.pth").is_file()
