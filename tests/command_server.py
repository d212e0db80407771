"""Imports what the commands import, once, and then forks a process for every command that is asked for.

A line of standard input asks for one, in JSON, and a line of standard output tells its number. Tests use it through
:mod:`commands`.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from pathlib import Path

from iic_ptv.cli.main import ENVIRONMENT, main

IMPORTED = (
    *("torch._dynamo", "lightning.pytorch", "tensorboard.compat", "submitit"),
    *("iic_ptv.data.preparation", "iic_ptv.runs.pretraining.command", "iic_ptv.runs.recognition.command"),
    *("iic_ptv.runs.evaluation.retrieve_command", "iic_ptv.runs.evaluation.probe_command"),
    *("iic_ptv.runs.search.index_folder", "iic_ptv.runs.search.search", "iic_ptv.launch.submit"),
)


def serve() -> None:
    """Answer until there is no more standard input; nothing but imports and forks is done here."""
    os.environ.update({**ENVIRONMENT, **os.environ})  # which commands set before torch is imported
    for name in IMPORTED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
    for line in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _wait_for_a_command(**json.loads(line))


def _wait_for_a_command(arguments: list[str], cwd: str, environment: dict[str, str], folder: str) -> None:
    """Run a command in another process, and write its exit code into the folder when it has ended."""
    number = os.fork()
    if number == 0:
        _run(arguments, cwd, environment, Path(folder))
        sys.exit()
    print(number, flush=True)
    _, status = os.waitpid(number, 0)
    written = Path(folder, "code.partial")
    written.write_text(str(os.waitstatus_to_exitcode(status)))
    written.rename(Path(folder, "code"))
    os._exit(0)


def _run(arguments: list[str], cwd: str, environment: dict[str, str], folder: Path) -> None:
    for name, descriptor in ((os.devnull, 0), (folder / "out", 1), (folder / "err", 2)):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), descriptor)
    sys.stdin = os.fdopen(0, closefd=False)  # without what was read ahead
    os.chdir(cwd)
    places = environment.get("PYTHONPATH", "").split(os.pathsep)  # which Python reads when it starts
    sys.path[:0] = [place for place in places if place not in sys.path]
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["iic", *arguments]
    main(arguments)


if __name__ == "__main__":
    serve()
