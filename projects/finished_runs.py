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


def metrics_of_network(
    output: Path,
    name: str,
    folder: Path,
    split: str,
    config: Path,
    pretraining: tuple[Path, list[str]] | None,
    options: list[str],
    finetuned: bool = True,
) -> dict[str, dict[str, Any]]:
    """What a network is worth: pre-trained, its features retrieved and probed, then fine-tuned.

    Args:
        output: where the runs go.
        name: of all of them.
        folder: with ``videos/`` and ``splits/`` to measure with.
        split: which of the lists there.
        config: to pre-train with; the one to fine-tune with is named after it.
        pretraining: the folder with ``videos/`` to pre-train on, and ``KEY VALUE`` pairs of that alone; None: the
            network that pre-training begins with is measured.
        options: ``KEY VALUE`` pairs of all commands.
        finetuned: whether it is fine-tuned, too.

    Returns:
        The metrics of ``retrieve``, ``probe`` and ``finetune``.

    Raises:
        RunFailedError: a command has ended without metrics.
    """
    common = ["OUTPUT", str(output), "NAME", name, *options]
    data = ["--data", str(folder / "videos")]
    train, test = (str(folder / "splits" / f"{part}list{split}.txt") for part in ("train", "test"))
    start, checkpoint = ["--config", str(config)], []
    if pretraining is not None:
        unlabelled, only = pretraining
        metrics_of(output, "pretrain", name, [*start, "--data", str(unlabelled / "videos"), *common, *only])
        start = checkpoint = ["--checkpoint", str(finished_run(output, "pretrain", name))]
    evaluation = [*start, *data, "--gallery", train, "--query", test, *common, "EVAL.UNTRAINED", "False"]
    metrics = {command: metrics_of(output, command, name, evaluation) for command in ("retrieve", "probe")}
    if finetuned:
        recipe = ["--config", str(config.with_name(f"{config.stem}_finetune.yaml")), *data]
        arguments = [*checkpoint, *recipe, "--train", train, "--test", test, *common]
        metrics["finetune"] = metrics_of(output, "finetune", name, arguments)
    return metrics


def finished_run(output: Path, command: str, name: str) -> Path | None:
    """The folder of the last finished run of that name."""
    runs = [*(output / command).glob(f"*-{name}"), *(output / command).glob(f"*-{name}-untrained")]
    return max((run for run in runs if (run / "metrics.json").exists()), default=None)
