"""Which packages are installed, and whether they can be imported and are new enough."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from iic_ptv import __version__
from iic_ptv.runs.doctor.examine import first_line
from iic_ptv.runs.doctor.finding import Finding, State
from iic_ptv.runs.folder import NO_CHECKOUT, source_commit

DISTRIBUTION = "iic-ptv"
MODULES = {  # of distributions that are called otherwise
    "decord2": "decord",
    "faiss-cpu": "faiss",
    "hydra-core": "hydra",
    "opencv-contrib-python-headless": "cv2",
    "pillow": "PIL",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
    "umap-learn": "umap",
}
DISPENSABLE = ("decord", "decord2")  # required by the package, but PyAV does the same


@dataclass(frozen=True)
class Extra:
    """What ``pip install "iic-ptv[NAME]"`` adds."""

    purpose: str
    distributions: tuple[str, ...]


EXTRAS: Mapping[str, Extra] = {
    "faiss": Extra("fast search in large indices", ("faiss-cpu",)),
    "flow": Extra("optical flow as a view, by OpenCV", ("opencv-contrib-python-headless",)),
    "hydra": Extra("configurations in the manner of PyTorchVideo's trainer", ("hydra-core",)),
    "onnx": Extra("iic export --format onnx", ("onnx", "onnxscript", "onnxruntime")),
    "torchcodec": Extra("one more decoder, on FFmpeg's libraries of the system", ("torchcodec",)),
    "umap": Extra("maps of features by UMAP, beside PCA", ("umap-learn",)),
}


def look_at_this_package() -> list[Finding]:
    """Versions of Python and of this package, with the commit where it is a checkout."""
    commit = source_commit()
    where = f"in {Path(__file__).parents[3]}" + ("" if commit == NO_CHECKOUT else f", commit {commit}")
    findings = [
        Finding("iic_ptv", State.FINE, f"{__version__} {where}"),
        Finding("Python", State.FINE, f"{platform.python_version()} on {platform.platform()}"),
    ]
    if not requirements():
        told = "it is not installed, only found there, so that nothing is known of what it requires"
        findings.append(Finding("pip", State.NOTE, told, f"pip install -e {Path(__file__).parents[3]}"))
    return findings


def look_at_required(distribution: str) -> list[Finding]:
    """Whether a package that this one requires can be imported, in a version that it allows."""
    found = version_and_fault(distribution)
    if found.fault:
        state = State.NOTE if distribution in DISPENSABLE else State.BROKEN
        return [Finding(distribution, state, found.told, found.mend)]
    return [Finding(distribution, State.FINE, found.version)]


def look_at_extra(name: str) -> list[Finding]:
    """Whether the packages of an extra are there and can be imported; that they are not is no fault."""
    extra, install = EXTRAS[name], f'pip install "{DISTRIBUTION}[{name}]"'
    found = [version_and_fault(distribution) for distribution in extra.distributions]
    if all(each.version == MISSING for each in found):
        return [Finding(f"[{name}]", State.ABSENT, f"not installed; for {extra.purpose}", install)]
    told = f"{', '.join(f'{each.distribution} {each.told}' for each in found)}; for {extra.purpose}"
    mends = [each.mend for each in found if each.fault]
    return [Finding(f"[{name}]", State.NOTE if mends else State.FINE, told, "; ".join(mends))]


MISSING = "not installed"


@dataclass(frozen=True)
class Found:
    """A distribution: its version, and what is wrong with it, which may be nothing, with the mend."""

    distribution: str
    version: str
    fault: str = ""
    mend: str = ""

    @property
    def told(self) -> str:
        """Both, in words."""
        return f"{self.version}: {self.fault}" if self.fault and self.version != MISSING else self.version


def version_and_fault(distribution: str) -> Found:
    """Import a distribution's module, and compare its version with what this package asks for."""
    name = MODULES.get(distribution, distribution)
    try:
        version = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        version = ""  # the same module may have come with a distribution of another name
    try:
        module = importlib.import_module(name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == name and not version:
            return Found(distribution, MISSING, MISSING, f'pip install "{asked(distribution)}"')
        fault = f"it cannot be imported ({first_line(error)})"
        return Found(distribution, version or "?", fault, reinstall(distribution))
    version = version or str(getattr(module, "__version__", "?"))
    allowed = requirements().get(distribution)
    if allowed and version != "?" and not allowed.specifier.contains(version, prereleases=True):
        fault = f"{DISTRIBUTION} is made for {allowed.specifier}"
        return Found(distribution, version, fault, f'pip install "{asked(distribution)}"')
    return Found(distribution, version)


def required() -> list[str]:
    """The distributions that this package requires here, without its extras; none where it is not installed."""
    return [name for name, each in requirements().items() if not (each.marker and "extra" in str(each.marker))]


def requirements() -> dict[str, Requirement]:
    """What the installed package asks for on this platform, by distribution."""
    try:
        lines = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    found = [Requirement(line) for line in lines]
    here = [each for each in found if not each.marker or any(each.marker.evaluate({"extra": x}) for x in ["", *EXTRAS])]
    return {each.name: each for each in here}


def reinstall(distribution: str) -> str:
    """How to have a distribution anew that is there, but does not work."""
    return f'pip install --force-reinstall --no-deps "{asked(distribution)}"'


def asked(distribution: str) -> str:
    """A distribution with the versions that are asked for, as pip takes them."""
    allowed = requirements().get(distribution)
    return f"{distribution}{allowed.specifier if allowed else ''}"
