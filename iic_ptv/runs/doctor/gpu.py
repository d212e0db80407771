"""Which GPUs torch finds, and why it does not find one that the machine has."""

from __future__ import annotations

import shutil

from iic_ptv.runs.doctor.finding import Finding, State

GIGA = 1e9
TEST_SIZE = 64


def look_at_gpus() -> list[Finding]:
    """Every GPU with its memory, and whether it computes."""
    import torch

    if torch.cuda.is_available():
        return [_cuda_device(number) for number in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        return [Finding("Apple GPU", State.FINE, "torch finds it (mps)")]
    if shutil.which("nvidia-smi") is None:
        return [Finding("GPU", State.ABSENT, "none; everything runs on the CPU, only slower")]
    if torch.version.cuda is None:
        told = f"there is an NVIDIA driver, but torch {torch.__version__} has no CUDA"
        return [Finding("GPU", State.NOTE, told, "install torch with CUDA: https://pytorch.org/get-started/locally")]
    told = f"there is an NVIDIA driver, but torch with CUDA {torch.version.cuda} finds no GPU"
    mend = "look at `nvidia-smi`: the driver may be too old, or CUDA_VISIBLE_DEVICES empty"
    return [Finding("GPU", State.NOTE, told, mend)]


def _cuda_device(number: int) -> Finding:
    import torch

    about = f"GPU {number}"
    described = torch.cuda.get_device_properties(number)
    try:
        free, total = torch.cuda.mem_get_info(number)
        ones = torch.ones(TEST_SIZE, TEST_SIZE, device=f"cuda:{number}")
        right = bool((ones @ ones == TEST_SIZE).all())
    except RuntimeError as error:
        told = f"{described.name}: it cannot compute ({str(error).splitlines()[0]})"
        return Finding(about, State.NOTE, told, "look at `nvidia-smi`; TRAINER.ACCELERATOR cpu does without")
    memory = f"{free / GIGA:.0f} of {total / GIGA:.0f} GB free"
    capability = f"compute capability {described.major}.{described.minor}"
    told = f"{described.name}, {memory}, CUDA {torch.version.cuda}, {capability}"
    if not right:
        return Finding(about, State.NOTE, f"{told}: a product of matrices comes out wrong", "do not use this GPU")
    return Finding(about, State.FINE, told)
