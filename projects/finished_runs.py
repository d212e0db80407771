"""Commands of ``iic`` for studies: what is finished is not run again, so that an interrupted study can be completed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from iic_ptv.cli.main import main as iic

USER_ERROR = 2  # the exit code of a command that cannot do what it was asked for


class RunFailedError(RuntimeError):
    """A command has ended without metrics."""


def metrics_of(output: Path, command: str, name: str, arguments: list[str]) -> dict[str, Any]:
    """The metrics of a run, which is run if it has none.

    Args:
        output: what the arguments name as ``OUTPUT``.
        command: ``pretrain``, ``retrieve``, ``probe`` or ``finetune``.
        name: what the arguments name as ``NAME``.
        arguments: of the command.

    Raises:
        RunFailedError: the command has ended without metrics.
    """
    if finished_run(output, command, name) is None:
        try:
            iic([command, *arguments])
        except SystemExit as ended:
            if ended.code != USER_ERROR:  # Ctrl-C ends the study, too
                raise
    run = finished_run(output, command, name)
    if run is None:
        raise RunFailedError(f"iic {command} has written no metrics for {name}; what it said stands above")
    return json.loads((run / "metrics.json").read_text())


def finished_run(output: Path, command: str, name: str) -> Path | None:
    """The folder of the last finished run of that name."""
    runs = [*(output / command).glob(f"*-{name}"), *(output / command).glob(f"*-{name}-untrained")]
    return max((run for run in runs if (run / "metrics.json").exists()), default=None)
