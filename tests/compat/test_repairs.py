"""How repairs are applied: late, once, to what needs them, and to nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from iic_ptv import compat

MOVE = "from pytorchvideo.transforms import MoveChannelRear; import torch; "
CALLED = MOVE + "print(tuple(MoveChannelRear()(torch.rand(3, 2, 4, 5)).shape))"


def python(code: str) -> str:
    """Run ``code`` in a fresh interpreter and return what it printed."""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize(
    "order", ["import iic_ptv; ", f"import iic_ptv.compat as c; c.install(); {MOVE}", f"import iic_ptv; {MOVE}"]
)
def test_a_module_is_repaired_when_it_is_imported(order: str) -> None:
    assert python(order + CALLED) == "(2, 4, 5, 3)"


@pytest.mark.slow
def test_a_module_that_was_imported_before_is_repaired_too() -> None:
    code = """
import sys, torchvision.transforms._functional_tensor as renamed
sys.modules["torchvision.transforms.functional_tensor"] = renamed
import pytorchvideo.transforms
import iic_ptv
"""
    assert python(code + CALLED) == "(2, 4, 5, 3)"


@pytest.mark.slow
def test_a_decoder_that_torchvision_has_is_left_alone() -> None:
    code = """
import torch
library = torch.library.Library("video_reader", "DEF")
library.define("read_video_from_memory(Tensor video) -> Tensor")
import iic_ptv
from pytorchvideo.data.encoded_video import select_video_class
print(select_video_class("torchvision").__name__)
"""
    assert python(code) == "EncodedVideoTorchVision"


@pytest.mark.slow
def test_importing_their_data_needs_no_repair() -> None:
    code = "import sys, iic_ptv, pytorchvideo.data; print(sorted({*iic_ptv.compat.REPAIRS} & {*sys.modules}))"
    assert python(code) == "[]"


def test_installing_twice_changes_nothing() -> None:
    before = list(sys.meta_path)
    compat.install()
    assert sys.meta_path == before


@pytest.mark.slow
def test_a_repaired_module_keeps_its_source_and_place() -> None:
    code = """
import iic_ptv, inspect, pytorchvideo.transforms.transforms as module
print("class Div255" in inspect.getsource(module), module.__spec__.origin == module.__file__)
"""
    assert python(code) == "True True"
