"""The command line as several processes that something starts together, as torchrun or a job of SLURM does."""

from __future__ import annotations

import multiprocessing
import socket
import subprocess
from pathlib import Path

from commands import Command

FORK = multiprocessing.get_context("fork")  # which has everything imported


def iic_together(*arguments: object, processes: int, folder: Path) -> list[subprocess.CompletedProcess[str]]:
    """Run a command in several processes with one run folder, which is made."""
    folder.mkdir(parents=True)
    port = free_port()
    told = [environment(rank, processes, port, folder) for rank in range(processes)]
    started = [Command(*arguments, cwd=Path.cwd(), **each) for each in told]
    return [command.ended() for command in started]


def environment(rank: int, processes: int, port: int, folder: Path) -> dict[str, str]:
    """What tells a process of the others."""
    numbers = {"RANK": rank, "WORLD_SIZE": processes, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": processes}
    names = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "IIC_RUN_FOLDER": folder}
    return {name: str(value) for name, value in {**numbers, **names}.items()}


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
