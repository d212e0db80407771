"""Whether jobs can be submitted to a SLURM cluster from here."""

from __future__ import annotations

import shutil

from iic_ptv.launch.slurm_queue import NoAnswer, run_slurm
from iic_ptv.runs.doctor.finding import Finding, State

COMMANDS = ("sbatch", "srun", "squeue", "scancel")
PATIENCE = 10  # seconds


def look_at_slurm() -> list[Finding]:
    """SLURM's commands, and the partitions that it names."""
    missing = [command for command in COMMANDS if shutil.which(command) is None]
    if len(missing) == len(COMMANDS):
        return [Finding("SLURM", State.ABSENT, "none here; `iic launch --cluster local` runs jobs on this machine")]
    if missing:
        mend = "submit from a login node, where all of them are"
        return [Finding("SLURM", State.NOTE, f"{', '.join(missing)} not found, which jobs need", mend)]
    try:
        lines = run_slurm("sinfo", "--noheader", "--format=%P|%a|%D|%G", patience=PATIENCE).splitlines()
    except NoAnswer as error:
        return [Finding("SLURM", State.NOTE, f"it does not answer: {error}", "look at `sinfo` and SLURM_CONF")]
    return [_partition(line) for line in lines] or [
        Finding("SLURM", State.NOTE, "it answers, but names no partitions", "ask who runs the cluster")
    ]


def _partition(line: str) -> Finding:
    name, state, nodes, resources = line.split("|")
    gpus = "" if resources == "(null)" else f", {resources}"
    is_up = state == "up"
    told = f"{state}, {nodes} node{'' if nodes == '1' else 's'}{gpus}{', the default' if name.endswith('*') else ''}"
    return Finding(f"partition {name.rstrip('*')}", State.FINE if is_up else State.NOTE, told)
