"""The command ``iic`` in processes of its own, as a user runs it, but without seconds of imports each time.

They are forked from a process that has done nothing but import what the commands import.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

from iic_ptv.cli.main import ENVIRONMENT, main

LONGEST = 300  # seconds
SERVER = multiprocessing.get_context("forkserver")
IMPORTED = (
    *("torch._dynamo", "lightning.pytorch", "tensorboard.compat", "submitit"),
    *("iic_ptv.data.preparation", "iic_ptv.runs.pretraining.command", "iic_ptv.runs.recognition.command"),
    *("iic_ptv.runs.evaluation.retrieve_command", "iic_ptv.runs.evaluation.probe_command"),
    *("iic_ptv.runs.search.index_folder", "iic_ptv.runs.search.search", "iic_ptv.launch.submit"),
)


class Command:
    """A command that runs.

    Args:
        arguments: of ``iic``.
        cwd: the folder that it is run in.
        environment: variables beside those of the tests.

    Attributes:
        pid: of its process.
    """

    def __init__(self, *arguments: object, cwd: Path, **environment: str) -> None:
        self.arguments = [str(argument) for argument in arguments]
        folder = Path(mkdtemp())
        self._out, self._err = folder / "out", folder / "err"
        told = {**os.environ, **environment}
        _be_served()
        self._process = SERVER.Process(target=_run, args=(self.arguments, cwd, told, self._out, self._err))
        self._process.start()
        self.pid = self._process.pid

    @property
    def out(self) -> str:
        """What it has written to standard output so far."""
        return self._out.read_text() if self._out.exists() else ""

    @property
    def err(self) -> str:
        """What it has written to standard error so far."""
        return self._err.read_text() if self._err.exists() else ""

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """Send it a signal; Ctrl-C by default."""
        os.kill(self.pid, number)

    def ended(self, longest: float = LONGEST) -> subprocess.CompletedProcess[str]:
        """Wait for its end, so many seconds at most."""
        self._process.join(longest)
        if self.running:
            self._process.kill()
            raise subprocess.TimeoutExpired(self.arguments, longest, self.out, self.err)
        return subprocess.CompletedProcess(self.arguments, self._process.exitcode, self.out, self.err)


def iic(*arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``iic`` with ``arguments`` in the folder ``cwd``, by default the one of the tests, to its end."""
    return Command(*arguments, cwd=cwd or Path.cwd(), **environment).ended()


def iic_anew(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m iic_ptv``, where it matters that nothing is imported yet, or how the process was started."""
    command = [sys.executable, "-m", "iic_ptv", *map(str, arguments)]
    told = {**os.environ, **environment}
    return subprocess.run(command, cwd=cwd, env=told, capture_output=True, text=True, timeout=LONGEST)


def _be_served() -> None:
    """Have the server import what commands need when it starts; one that a test has started before stays as it is."""
    for name, value in ENVIRONMENT.items():  # which commands set before torch is imported
        os.environ.setdefault(name, value)
    SERVER.set_forkserver_preload([*IMPORTED])


def _run(arguments: list[str], cwd: Path, environment: dict[str, str], out: Path, err: Path) -> None:
    for file, descriptor in ((out, 1), (err, 2)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), descriptor)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    multiprocessing.set_start_method(None, force=True)  # Python's own for what the command starts
    sys.argv = ["iic", *arguments]
    main(arguments)
