"""What is told of packages: those that are installed here, and stand-ins for broken, old and missing ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from iic_ptv.runs.doctor import packages
from iic_ptv.runs.doctor.finding import State


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages that is looked into first."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def install(site: Path, distribution: str, version: str, code: str = "") -> None:
    """Put a package into a folder as pip would."""
    name = packages.MODULES.get(distribution, distribution)
    (site / f"{name}.py").write_text(code)
    sys.modules.pop(name, None)
    metadata = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")


def ask_for(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr(packages.importlib.metadata, "requires", lambda distribution: list(lines))


def test_required_ones_are_those_of_this_platform_without_extras() -> None:
    required = packages.required()
    assert {"torch", "torchvision", "pytorchvideo", "av", "lightning"} <= {*required}
    assert len({"decord", "decord2"} & {*required}) == 1
    assert not {"faiss-cpu", "pytest", "onnx"} & {*required}


def test_one_that_works_is_told_with_its_version() -> None:
    (finding,) = packages.look_at_required("torch")
    assert (finding.about, finding.state) == ("torch", State.FINE)
    assert finding.told == torch.__version__.partition("+")[0]


def test_one_that_cannot_be_imported_is_broken(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "a-codec", "2.0")
    monkeypatch.setitem(packages.MODULES, "a-codec", "a_codec")
    (site / "a_codec.py").write_text("raise OSError('libavcodec.so: no such file\\nand a long list of places')")
    ask_for(monkeypatch, "a-codec>=1.5")
    (finding,) = packages.look_at_required("a-codec")
    assert finding.state == State.BROKEN
    assert finding.told == "2.0: it cannot be imported (libavcodec.so: no such file)"
    assert finding.mend == 'pip install --force-reinstall --no-deps "a-codec>=1.5"'


@pytest.mark.parametrize(("version", "state"), [("1.4.9", State.BROKEN), ("1.5", State.FINE), ("2.0rc1", State.FINE)])
def test_versions_are_compared_with_what_is_asked_for(version: str, state: State, site, monkeypatch) -> None:
    install(site, "acodec", version)
    ask_for(monkeypatch, "acodec>=1.5")
    (finding,) = packages.look_at_required("acodec")
    assert finding.state == state
    assert finding.told == (version if state == State.FINE else f"{version}: iic-ptv is made for >=1.5")


def test_what_can_be_done_without_is_not_required_to_work(site: Path) -> None:
    install(site, "decord", "0.6.0", "raise ImportError('no wheel for this platform')")
    (finding,) = packages.look_at_required("decord")
    assert finding.state == State.NOTE
    sys.modules.pop("decord", None)


def test_extras_that_are_not_installed_are_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(packages.EXTRAS, "magic", packages.Extra("seeing more", ("no-such-package",)))  # type: ignore[index]
    (finding,) = packages.look_at_extra("magic")
    assert (finding.state, finding.told) == (State.ABSENT, "not installed; for seeing more")
    assert finding.mend == 'pip install "iic-ptv[magic]"'


def test_extras_of_which_one_package_is_missing_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(packages.EXTRAS, "magic", packages.Extra("seeing more", ("numpy", "no-such-package")))  # type: ignore[index]
    (finding,) = packages.look_at_extra("magic")
    assert finding.state == State.NOTE
    assert "no-such-package not installed" in finding.told
    assert finding.mend == 'pip install "no-such-package"'


def test_a_package_that_is_only_found_is_told_to_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(packages.look_at_this_package()) == 2

    def unknown(distribution: str) -> list[str]:
        raise packages.importlib.metadata.PackageNotFoundError(distribution)

    monkeypatch.setattr(packages.importlib.metadata, "requires", unknown)
    finding = packages.look_at_this_package()[-1]
    assert finding.state == State.NOTE
    assert finding.mend == f"pip install -e {Path(__file__).parents[3]}"
    assert packages.required() == []
