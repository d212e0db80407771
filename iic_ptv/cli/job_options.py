"""Options of a job, of ``iic launch`` and, with ``--slurm``, of the commands that can be launched."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from iic_ptv.errors import InputError

PREFIX = "job_"  # of what is no option of a command
# Fields of iic_ptv.launch.request.JobRequest with what to call their values and what they mean.
FIELDS = {
    "cluster": ("NAME", "slurm, local (this machine), debug (this process), or auto, which finds out (the default)"),
    "nodes": ("N", "machines (default: 1)"),
    "gpus_per_node": ("N", "GPUs of each (default: 0, the job computes on CPUs)"),
    "tasks_per_node": ("N", "processes on each (default: one for each GPU)"),
    "cpus_per_task": ("N", "cores of each process; give it those of DATA.NUM_WORKERS, too"),
    "mem": ("SIZE", "memory of each machine, such as 64G"),
    "time": (
        "TIME",
        "limit after which it is requeued and goes on: minutes, 72:00:00, or 2-12:00 (default: 60 minutes)",
    ),
    "partition": ("NAME", "where to queue"),
    "account": ("NAME", "what to charge it to"),
    "qos": ("NAME", "quality of service"),
    "constraint": ("WHAT", "what machines must have"),
    "comment": ("TEXT", "a note on it, which the queue shows"),
    "array_parallelism": ("N", "of a sweep, how many jobs may run at once"),
    "signal_delay": ("SECONDS", "before the end, in which it saves its state and stops (default: 120)"),
    "max_timeouts": ("N", "how often its time may be up before it is not requeued any more (default: 100)"),
    "python": ("COMMAND", "what starts Python in the job, such as 'apptainer exec --nv image.sif python'"),
}
HOW = "submit as a job instead of running here; `iic launch --help` lists the options of jobs, which it then takes"


def add_job_options(parser: argparse.ArgumentParser, hidden: bool = False) -> None:
    """Add the options of a job; ``hidden`` keeps all but ``--slurm`` out of the help."""
    group = parser.add_argument_group("on a cluster" if hidden else "the job")
    if hidden:
        group.add_argument("--slurm", action="store_true", dest=f"{PREFIX}slurm", help=HOW)

    def add(name: str, help: str, **options: Any) -> None:
        group.add_argument(
            f"--{name.replace('_', '-')}",
            dest=f"{PREFIX}{name}",
            default=argparse.SUPPRESS,
            help=argparse.SUPPRESS if hidden else help,
            **options,
        )

    add(
        "preset",
        "YAML file of these options, or the name of one in projects/clusters or ~/.config/iic_ptv/clusters",
        metavar="NAME",
    )
    for name, (metavar, meaning) in FIELDS.items():
        add(name, meaning, metavar=metavar)
    add("setup", "shell line to run before, such as 'module load cuda'; repeatable", metavar="LINE", action="append")
    add(
        "param",
        "further parameter of submitit, such as slurm_exclude=node7; repeatable",
        metavar="slurm_NAME=VALUE",
        action="append",
    )
    add("dry_run", "show the script and the configuration, and submit nothing", action="store_true")


def split_job_options(arguments: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Take the options of the job out of a command.

    Returns:
        The options by name, and the rest of the command.
    """
    parser = argparse.ArgumentParser(prog="iic launch", add_help=False, allow_abbrev=False)
    add_job_options(parser, hidden=True)
    options, rest = parser.parse_known_args(list(arguments))
    return {name.removeprefix(PREFIX): value for name, value in vars(options).items()}, rest


def launch(arguments: Sequence[str]) -> None:
    """Launch a command, given with or without ``--slurm`` and with options of the job anywhere in it.

    Raises:
        InputError: an option cannot be used.
    """
    from iic_ptv.launch.request import job_request
    from iic_ptv.launch.submit import launch_command

    options, command = split_job_options(arguments)
    if options.pop("slurm"):
        options.setdefault("cluster", "slurm")
    preset, dry_run, fields = request_parts(options)
    launch_command(command, job_request(preset, fields), dry_run)


def request_parts(options: dict[str, Any]) -> tuple[str | None, bool, dict[str, Any]]:
    """What the options of a job ask for: a preset, that nothing be submitted, and fields of the request.

    Raises:
        InputError: a parameter of submitit is not given as NAME=VALUE.
    """
    import yaml

    fields = dict(options)
    preset, dry_run = fields.pop("preset", None), fields.pop("dry_run", False)
    for text in fields.pop("param", []):
        name, found, value = text.partition("=")
        if not (found and name.startswith("slurm_")):
            raise InputError(f"--param: expected slurm_NAME=VALUE, got '{text}'.")
        fields.setdefault("parameters", {})[name] = yaml.safe_load(value)
    return preset, dry_run, fields


def wants_a_job(options: argparse.Namespace) -> bool:
    """Whether a command is to be launched rather than run.

    Raises:
        InputError: it has options of a job, and is not to be.
    """
    if not hasattr(options, f"{PREFIX}slurm"):  # a command that cannot be launched, or `iic launch` itself
        return False
    given = [name for name in vars(options) if name.startswith(PREFIX) and name != f"{PREFIX}slurm"]
    wanted = bool(getattr(options, f"{PREFIX}slurm"))
    if given and not wanted:
        option = given[0].removeprefix(PREFIX).replace("_", "-")
        raise InputError(f"--{option}: this is an option of a job; add --slurm to submit one.")
    return wanted
