"""The command ``iic`` in processes of its own, as a user runs it, but without seconds of imports each time."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import mkdtemp

LONGEST = 300  # seconds


class Command:
    """A command that runs.

    Args:
        arguments: of ``iic``.
        cwd: the folder that it is run in.
        environment: variables beside those of the tests.
    """

    def __init__(self, *arguments: object, cwd: Path, **environment: str) -> None:
        self._folder = Path(mkdtemp())
        self._arguments = [str(argument) for argument in arguments]
        told = {"environment": {**os.environ, **environment}, "cwd": str(cwd), "folder": str(self._folder)}
        server = _server()
        server.stdin.write(json.dumps({"arguments": self._arguments, **told}) + "\n")
        server.stdin.flush()
        self._number = int(server.stdout.readline())

    @property
    def err(self) -> str:
        """What it has written to standard error so far."""
        return self._read("err")

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return not (self._folder / "code").exists()

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """Send it a signal; Ctrl-C by default."""
        os.kill(self._number, number)

    def ended(self, longest: float = LONGEST) -> subprocess.CompletedProcess[str]:
        """Wait for its end, so many seconds at most."""
        until = time.monotonic() + longest
        while self.running:
            if time.monotonic() > until:
                self.interrupt(signal.SIGKILL)
                raise subprocess.TimeoutExpired(self._arguments, longest, self._read("out"), self.err)
            time.sleep(0.01)
        return subprocess.CompletedProcess(self._arguments, int(self._read("code")), self._read("out"), self.err)

    def _read(self, name: str) -> str:
        file = self._folder / name
        return file.read_text() if file.exists() else ""


def iic(*arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``iic`` with ``arguments`` in the folder ``cwd``, by default the one of the tests, to its end."""
    return Command(*arguments, cwd=cwd or Path.cwd(), **environment).ended()


def iic_anew(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m iic_ptv``, where it matters that nothing is imported yet, or how the process was started."""
    command = [sys.executable, "-m", "iic_ptv", *map(str, arguments)]
    told = {**os.environ, **environment}
    return subprocess.run(command, cwd=cwd, env=told, capture_output=True, text=True, timeout=LONGEST)


@functools.cache
def _server() -> subprocess.Popen[str]:
    """The process that forks them, which ends with the tests."""
    command = [sys.executable, str(Path(__file__).with_name("command_server.py"))]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
