"""Packaging of iic-ptv. Metadata lives here; tool settings live in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
VERSION = re.search(r'^__version__ = "(.+)"$', (ROOT / "iic_ptv/__init__.py").read_text(), re.M)
assert VERSION, "iic_ptv/__init__.py must define __version__"

# decord has wheels for Linux x86-64 only; decord2 installs the same module `decord` elsewhere.
DECORD = [
    'decord>=0.6.0; platform_system == "Linux" and platform_machine == "x86_64"',
    'decord2>=3.0; platform_system != "Linux" or platform_machine != "x86_64"',
]

FLOW = ["opencv-contrib-python-headless>=4.8"]  # contrib: TV-L1 is not in the main modules
FAISS = ["faiss-cpu>=1.8"]
HYDRA = ["hydra-core>=1.3"]
DOCS = [
    *("mkdocs-material>=9.6", "mkdocstrings-python>=1.16", "ruff>=0.11"),  # the last for signatures
    *("nbclient>=0.10", "ipykernel>=6.29"),  # run the notebook
]
ONNX = ["onnx>=1.17", "onnxscript>=0.2", "onnxruntime>=1.20"]

ZOO = [path for path in (ROOT / "model_zoo").rglob("*") if path.is_file()]


class BuildWithZoo(build_py):
    """Puts the top-level ``model_zoo``, data for people and packages alike, into the package."""

    def run(self) -> None:
        """Build, then copy; an editable install uses the folder where it is."""
        super().run()
        if not self.editable_mode:
            for path in ZOO:
                target = Path(self.build_lib) / "iic_ptv" / path.relative_to(ROOT)
                self.mkpath(str(target.parent))
                self.copy_file(str(path), str(target))

    def get_source_files(self) -> list[str]:
        """What a source distribution holds."""
        return [*super().get_source_files(), *(str(path.relative_to(ROOT)) for path in ZOO)]


setup(
    name="iic-ptv",
    version=VERSION[1],
    description="Inter-Intra Contrastive video representation learning as a PyTorchVideo plug-in and model zoo",
    long_description=(ROOT / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["iic_ptv", "iic_ptv.*"]),
    package_data={"iic_ptv": ["py.typed", "configs/*.yaml", "hydra/conf/**/*.yaml", "evaluation/templates/*"]},
    install_requires=[
        "torch>=2.5",
        "torchvision>=0.20",
        "pytorchvideo>=0.1.5",
        "numpy>=1.24",
        "pyyaml>=6",
        "fvcore>=0.1.5.post20221221",
        "iopath>=0.1.10",
        "av>=17.1,<19",
        "lightning>=2.4",
        "torchmetrics>=1.3",
        "scikit-learn>=1.4",
        "threadpoolctl>=3.1",
        "safetensors>=0.4",
        "tensorboard>=2.14",
        "submitit>=1.5",
        "jinja2>=3.1",
        "matplotlib>=3.8",
        "rich>=13",
        "pillow>=10.1",
        *DECORD,
    ],
    extras_require={
        "flow": FLOW,
        "faiss": FAISS,
        "hydra": HYDRA,
        "onnx": ONNX,
        "umap": ["umap-learn>=0.5.6"],
        "torchcodec": ["torchcodec>=0.17"],
        "docs": DOCS,
        "dev": [
            *("mypy>=1.10", "pytest>=8", "pytest-xdist>=3.5", "ruff>=0.11", "types-PyYAML"),
            "setuptools>=69",  # builds the plug-in of the tests
            "playwright>=1.45",  # drives the Chromium that is installed
            *FLOW,
            *FAISS,
            *HYDRA,
            *ONNX,
            *DOCS,
        ],
    },
    cmdclass={"build_py": BuildWithZoo},
    entry_points={"console_scripts": ["iic = iic_ptv.cli.main:main"]},
)
