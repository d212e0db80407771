"""The command line as several processes that something starts together, as torchrun or a job of SLURM does."""

from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from iic_ptv.cli.main import main

FORK = multiprocessing.get_context("fork")  # which has everything imported
LONGEST = 300  # seconds


class Ended(NamedTuple):
    """How a process ended, and what it wrote to standard output and error."""

    exit_code: int
    out: str
    err: str


def iic_together(*arguments: object, processes: int, folder: Path, anew: bool = False) -> list[Ended]:
    """Run a command in several processes with one run folder, which is made.

    Args:
        arguments: the command.
        processes: how many.
        folder: the run folder.
        anew: start them as a shell does, which takes seconds of imports each, instead of forking them.
    """
    folder.mkdir(parents=True)
    port = free_port()
    words = [str(argument) for argument in arguments]
    started = []
    for rank in range(processes):
        told = environment(rank, processes, port, folder)
        logs = [folder / f"{rank}.{stream}" for stream in ("out", "err")]
        started.append((_start if anew else _fork)(words, told, logs))
    return [Ended(wait(), *(log.read_text() for log in logs)) for wait, logs in started]


def _start(words: list[str], told: dict[str, str], logs: list[Path]):
    with logs[0].open("w") as out, logs[1].open("w") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "iic_ptv", *words], env={**os.environ, **told}, stdout=out, stderr=err
        )
    return lambda: process.wait(LONGEST), logs


def _fork(words: list[str], told: dict[str, str], logs: list[Path]):
    process = FORK.Process(target=_run, args=(words, told, logs), daemon=True)
    process.start()

    def wait() -> int:
        process.join(LONGEST)
        assert process.exitcode is not None, f"{words} has not ended"
        return process.exitcode

    return wait, logs


def _run(words: list[str], told: dict[str, str], logs: list[Path]) -> None:
    os.environ.update(told)
    sys.stdout, sys.stderr = (log.open("w", buffering=1) for log in logs)
    main(words)


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
