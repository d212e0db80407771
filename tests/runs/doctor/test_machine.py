"""What is told of processor, GPUs, SLURM and disks, with stand-ins for the commands and files that tell of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch

from iic_ptv.data.preparation.parallel import available_cores
from iic_ptv.runs.bfloat16 import WrongLayer
from iic_ptv.runs.doctor import disk, gpu, processor, slurm
from iic_ptv.runs.doctor.finding import State


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which commands are found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def command(folder: Path, name: str, script: str = "true") -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(("text", "cores"), [("150000 100000\n", 1.5), ("max 100000\n", None), ("", None)])
def test_a_container_may_have_less_than_the_machine(text: str, cores: float | None, tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert processor.read_quota(tmp_path / "cpu.max") == cores


def test_cores_beyond_the_quota_are_told_with_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "CPU_QUOTA", tmp_path / "cpu.max")
    (finding,) = processor.look_at_cores()
    assert (finding.state, finding.told.split()[0]) == (State.FINE, str(available_cores()))
    (tmp_path / "cpu.max").write_text("50000 100000")
    (finding,) = processor.look_at_cores()
    assert finding.state == State.NOTE
    assert "OMP_NUM_THREADS=1" in finding.mend


@pytest.mark.parametrize("gain", [0.0, 1.1, 2.8])
def test_bfloat16_is_told_as_a_run_would_find_it(gain: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iic_ptv.runs.precision.bfloat16_gain", lambda network, shape: gain)
    monkeypatch.setattr(
        "iic_ptv.runs.bfloat16.wrong_weight_gradients", lambda network, shape: [WrongLayer("layer4.0.conv2", (), 1.0)]
    )
    first, *gradients = processor.look_at_bfloat16()
    assert first.state == State.FINE
    if not gain:
        assert first.told.startswith("this processor has none")
        assert not gradients
    else:
        assert f"{gain} times as fast" in first.told
        assert ("not worth it" in first.told) == (gain < 1.2)
        assert gradients[0].state == State.KNOWN
        assert "layer4.0.conv2" in gradients[0].told


@pytest.mark.skipif(torch.cuda.is_available() or torch.backends.mps.is_available(), reason="needs no GPU")
def test_a_gpu_that_torch_does_not_find_is_told_apart_from_none(commands: Path) -> None:
    (finding,) = gpu.look_at_gpus()
    assert finding.state == State.ABSENT
    command(commands, "nvidia-smi")
    (finding,) = gpu.look_at_gpus()
    assert finding.state == State.NOTE
    assert finding.mend


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_every_gpu_computes() -> None:
    findings = gpu.look_at_gpus()
    assert len(findings) == torch.cuda.device_count()
    assert all(finding.state == State.FINE for finding in findings)


def test_slurm_is_none_half_or_there(commands: Path) -> None:
    (finding,) = slurm.look_at_slurm()
    assert finding.state == State.ABSENT
    command(commands, "sbatch")
    (finding,) = slurm.look_at_slurm()
    assert (finding.state, finding.told) == (State.NOTE, "srun, squeue, scancel not found, which jobs need")
    for name in slurm.COMMANDS:
        command(commands, name)
    command(commands, "sinfo", "echo 'Unable to contact slurm controller' >&2; exit 1")
    (finding,) = slurm.look_at_slurm()
    assert (finding.state, finding.told) == (State.NOTE, "it does not answer: Unable to contact slurm controller")
    command(commands, "sinfo", "echo 'gpu*|up|4|gpu:a100:8'; echo 'old|down|1|(null)'")
    first, second = slurm.look_at_slurm()
    assert (first.about, first.state, first.told) == (
        "partition gpu",
        State.FINE,
        "up, 4 nodes, gpu:a100:8, the default",
    )
    assert (second.about, second.state, second.told) == ("partition old", State.NOTE, "down, 1 node")


def test_room_is_that_of_the_folder_or_of_what_it_will_be_made_in(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (finding,) = disk.look_at_runs()
    assert finding.told.endswith(f"in {tmp_path / 'runs'}")
    assert float(finding.told.split()[0].replace(",", "")) == pytest.approx(
        shutil.disk_usage(tmp_path).free / 1e9, abs=1
    )
    monkeypatch.setattr(disk, "SCARCE", float("inf"))
    (finding,) = disk.look_at_runs()
    assert (finding.state, finding.mend) == (State.NOTE, "OUTPUT FOLDER puts runs elsewhere")


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # for root, there is no such folder
    (finding,) = disk.look_at_runs()
    assert finding.told == f"{tmp_path / 'runs'} cannot be written to"
