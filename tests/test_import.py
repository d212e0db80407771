"""Importing the package: cheap, and a repair for PyTorchVideo that touches nothing else."""

import subprocess
import sys

import pytest


def python(code: str) -> str:
    """Run ``code`` in a fresh interpreter and return what it printed."""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_import_is_lean() -> None:
    code = (
        "import sys, iic_ptv; print(sorted({'torch', 'torchvision', 'pytorchvideo', 'lightning'} & set(sys.modules)))"
    )
    assert python(code) == "[]"


@pytest.mark.parametrize(
    "part",
    [
        *("VIEWS.get('residual')()", "INTRA_NEGATIVES.get('shuffle')()"),
        *(f"LOSSES.get('{name}')(10, 4)" for name in ("inter_intra_nce", "in_batch", "queue")),
    ],
)
def test_parts_load_no_heavy_library_that_they_do_not_need(part: str) -> None:
    code = f"import sys; from iic_ptv.registry import *; {part}; "
    code += "print(sorted({'torchvision', 'pytorchvideo', 'lightning'} & set(sys.modules)))"
    assert python(code) == "[]"


@pytest.mark.parametrize(
    "imports",
    [
        "import iic_ptv; import pytorchvideo.transforms",
        "import pytorchvideo; import torchvision; import iic_ptv; import pytorchvideo.transforms",
        "import iic_ptv; import pytorchvideo.data; import pytorchvideo.transforms",
    ],
)
def test_pytorchvideo_transforms_can_be_imported(imports: str) -> None:
    code = f"{imports}; from pytorchvideo.transforms import RandAugment; import torch; "
    code += "print(RandAugment()(torch.rand(4, 3, 16, 16)).shape)"
    assert python(code) == "torch.Size([4, 3, 16, 16])"


def test_pytorchvideo_recovers_after_a_failed_import() -> None:
    code = """
try:
    import pytorchvideo.transforms
    failed = False
except ModuleNotFoundError:
    failed = True
import iic_ptv
import pytorchvideo.transforms
import torchvision.transforms.functional_tensor as old
print(old.adjust_hue is not None)
"""
    assert python(code) == "True"


def test_a_module_that_exists_under_its_old_name_is_left_alone(tmp_path) -> None:
    (tmp_path / "functional_tensor.py").write_text("origin = 'the file'")
    code = f"""
import iic_ptv
import torchvision.transforms
torchvision.transforms.__path__.append({str(tmp_path)!r})
import torchvision.transforms.functional_tensor as found
print(getattr(found, "origin", "the alias"))
"""
    assert python(code) == "the file"


def test_other_missing_modules_stay_missing() -> None:
    code = """
import iic_ptv
try:
    import torchvision.transforms.no_such_module
except ModuleNotFoundError as error:
    print(error.name)
"""
    assert python(code) == "torchvision.transforms.no_such_module"
