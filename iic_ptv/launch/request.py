"""What job to ask for: defaults, changed by a preset, changed by options."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iic_ptv.errors import InputError
from iic_ptv.files.yaml_file import read_mapping
from iic_ptv.launch.time_limit import minutes_of

CLUSTERS = ("auto", "slurm", "local", "debug")
PRESETS = Path("projects") / "clusters"
MEGABYTES = {"M": 1, "G": 1024, "T": 1024**2}


@dataclass(frozen=True)
class JobRequest:
    """A job, as the options of ``iic launch`` and the keys of a preset describe it.

    Attributes:
        cluster: ``slurm``, ``local`` (processes of this machine), ``debug`` (this very process), or ``auto``: SLURM
            where there is ``srun``, else local.
        nodes: machines.
        gpus_per_node: GPUs of each; 0: the job computes on CPUs.
        tasks_per_node: processes on each; by default one for each GPU.
        cpus_per_task: cores of each process, for itself and those that decode (``DATA.NUM_WORKERS``).
        mem: memory of each machine, such as ``64G``.
        time: how long it may take until it is requeued: minutes, ``72:00:00`` or ``2-12:00``.
        partition: where to queue, likewise the next ones; by default what the cluster says.
        account: to whom to charge it.
        qos: quality of service.
        constraint: what machines must have.
        comment: on the job.
        array_parallelism: of a sweep, how many jobs may run at once.
        signal_delay: seconds before the end at which the run is told to save its state and stop.
        max_timeouts: how often its time may be up before it is not requeued any more.
        python: what starts Python in the job, such as ``singularity exec --nv image.sif python``.
        setup: shell lines that are run before, such as ``module load cuda``.
        parameters: further parameters of submitit, by names that begin with ``slurm_``.
    """

    cluster: str = "auto"
    nodes: int = 1
    gpus_per_node: int = 0
    tasks_per_node: int | None = None
    cpus_per_task: int | None = None
    mem: str | None = None
    time: str = "60"
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    comment: str | None = None
    array_parallelism: int | None = None
    signal_delay: int = 120
    max_timeouts: int = 100
    python: str | None = None
    setup: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def num_tasks_per_node(self) -> int:
        """Processes on each machine."""
        return self.tasks_per_node or max(self.gpus_per_node, 1)

    @property
    def minutes(self) -> int:
        """The time limit."""
        return minutes_of(self.time)

    @property
    def megabytes(self) -> int | None:
        """The memory of each machine."""
        if self.mem is None:
            return None
        found = re.fullmatch(r"(\d+)\s*([MGT])I?B?", self.mem.strip().upper())
        if found is None:
            raise InputError(f"--mem: expected a size with its unit, such as 64G or 512M, got '{self.mem}'.")
        return int(found[1]) * MEGABYTES[found[2]]


FIELDS = {field.name: field for field in dataclasses.fields(JobRequest)}


def job_request(preset: str | None, options: Mapping[str, Any], *beneath: Mapping[str, Any]) -> JobRequest:
    """The job that a preset and, on top of it, options ask for.

    Args:
        preset: a YAML file, or the name of one in :func:`preset_folders`.
        options: fields of :class:`JobRequest`; further ``parameters`` are added to those of the preset.
        beneath: what the preset changes, each of :func:`checked_options`, later ones changing earlier ones.

    Raises:
        InputError: there is no such preset, it has a key that does not exist, or a value is of the wrong kind.
    """
    given = checked_options(read_preset(preset), f"{preset}: ") if preset else {}
    layers = (*beneath, given, checked_options(options, "--"))
    fields = {name: value for layer in layers for name, value in layer.items()}
    parameters = {name: value for layer in layers for name, value in layer.get("parameters", {}).items()}
    request = JobRequest(**{**fields, "parameters": parameters})
    if request.cluster not in CLUSTERS:
        raise InputError(f"--cluster: expected one of {', '.join(CLUSTERS)}, got '{request.cluster}'.")
    request.minutes, request.megabytes  # noqa: B018 - so that a mistake in them is found before anything is made
    return request


def preset_folders() -> list[Path]:
    """Where presets are looked up by their names: here, in the checkout that runs, in the user's configuration."""
    user = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config")) / "iic_ptv" / "clusters"
    return [PRESETS, Path(__file__).parents[2] / PRESETS, user]


def read_preset(name: str) -> dict[str, Any]:
    """What a preset says.

    Raises:
        InputError: there is none of that name, or it is not YAML.
    """
    candidates = [Path(name), *(folder / f"{name}.yaml" for folder in preset_folders())]
    path = next((path for path in candidates if path.is_file()), None)
    if path is None:
        known = sorted({file.stem for folder in preset_folders() for file in folder.glob("*.yaml")})
        raise InputError(
            f"--preset: there is no file '{name}', and no preset of that name in "
            f"{', '.join(map(str, preset_folders()))}; there are {', '.join(known) or 'none'}."
        )
    return read_mapping(path)


def checked_options(values: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Fields of a request, their values of the right kinds; keys that begin with ``slurm_`` go into ``parameters``.

    Args:
        values: what a preset or the command line says.
        source: what messages begin with.

    Raises:
        InputError: there is no such key, or a value is of the wrong kind.
    """
    checked: dict[str, Any] = {"parameters": dict(values.get("parameters", {}))}
    for name, value in values.items():
        if name.startswith("slurm_"):
            checked["parameters"][name] = value
        elif name not in FIELDS:
            raise InputError(
                f"{source}{name}: there is no such key of a job; there are {', '.join(FIELDS)}, and those of submitit "
                "that begin with slurm_."
            )
        elif name != "parameters":
            checked[name] = _value(name, value, source)
    return checked


def _value(name: str, value: Any, source: str) -> Any:
    kind = str(FIELDS[name].type)
    if kind.startswith("tuple"):
        return (value,) if isinstance(value, str) else tuple(map(str, value))
    if "int" in kind:
        try:
            number = int(value)
        except (TypeError, ValueError):
            number = -1
        if number < (0 if name in ("gpus_per_node", "max_timeouts") else 1):
            raise InputError(f"{source}{name}: expected a number of at least 1, got '{value}'.")
        return number
    return value if value is None else str(value)
