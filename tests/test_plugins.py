"""Packages that add parts by being installed: an example that trains, and one that is broken."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from iic_ptv.errors import InputError
from iic_ptv.registry import load_plugins

EXAMPLE = Path(__file__).parent / "plugin_example"
PARTS = [
    *("MODEL.BACKBONE", "mean_colors", "LOSS.NAME", "scaled_nce"),
    *("VIEWS", "['grey', 'residual']", "INTRA_NEGATIVE", "first_frame"),
]
SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("LOSS.NUM_NEGATIVES", "4", "OPTIM.BATCH_SIZE", "3", "OPTIM.EPOCHS", "1", "TRAINER.ACCELERATOR", "cpu"),
]


def install(source: Path, target: Path) -> None:
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", target, source], check=True)


@pytest.mark.slow
def test_an_installed_package_adds_parts_that_train(video_folder: Path, tmp_path: Path) -> None:
    source = shutil.copytree(EXAMPLE, tmp_path / "source")  # the build leaves files beside it
    install(source, tmp_path / "site")
    command = [sys.executable, "-m", "iic_ptv", "pretrain", "--data", str(video_folder), *PARTS, *SMALL]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    result = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    (run,) = (tmp_path / "runs" / "pretrain").iterdir()
    config = (run / "config.yaml").read_text()
    assert all(name in config for name in ("mean_colors", "scaled_nce", "grey", "first_frame"))
    assert json.loads((run / "metrics.json").read_text())


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("from iic_ptv.registry import VIEWS; VIEWS.register(dict, name='rgb')", "the name 'rgb' is taken"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_broken_package_is_named_with_the_way_to_mend_it(
    fault: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_plugin.py").write_text(fault)
    metadata = tmp_path / "broken_package-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-package\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[iic_ptv.plugins]\nviews = broken_plugin\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError) as error:
        load_plugins()
    assert "plug-in 'views' of the installed package broken-package" in str(error.value)
    assert told in str(error.value)
    assert "pip uninstall broken-package" in str(error.value)
