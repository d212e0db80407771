"""From a job request to submitit's executor."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import submitit
from submitit.slurm.slurm import SlurmExecutor

from iic_ptv.errors import InputError
from iic_ptv.launch.request import JobRequest

# A process that dies takes the others of its job with it, which would otherwise wait for it until the time is up.
SRUN_ARGUMENTS = ("--kill-on-bad-exit=1",)


def cluster_of(request: JobRequest) -> str:
    """The cluster that a job goes to.

    Raises:
        InputError: it is to go to SLURM, and there is none here.
    """
    if request.cluster == "auto":
        return submitit.AutoExecutor.which()
    if request.cluster == "slurm" and shutil.which("srun") is None:
        raise InputError(
            "--cluster slurm: there is no `srun` on this machine; submit from a login node of the cluster, or try the "
            "same with --cluster local."
        )
    return request.cluster


def make_executor(request: JobRequest, folder: Path, name: str, setup: tuple[str, ...] = ()) -> submitit.AutoExecutor:
    """What submits jobs as requested.

    Args:
        request: the job.
        folder: where its logs and what is submitted go; all machines of the cluster must see it.
        name: what it is called in the queue.
        setup: shell lines before those of the request.

    Raises:
        InputError: submitit does not know a parameter, or will not take its value; the valid ones are listed.
    """
    cluster = cluster_of(request)
    if cluster == "local" and request.nodes > 1:
        raise InputError(f"--nodes {request.nodes}: --cluster local is this machine alone; leave it at 1.")
    making = {f"{cluster}_max_num_timeout": request.max_timeouts}
    if request.python is not None:
        making[f"{cluster}_python"] = request.python  # type: ignore[assignment]
    more = dict(request.parameters)  # of these two, what is given is added to what a job cannot do without
    lines = [*setup, *request.setup, *more.pop("slurm_setup", ())]
    srun = [*SRUN_ARGUMENTS, *more.pop("slurm_srun_args", ())]
    parameters: dict[str, Any] = {
        "name": name,
        "timeout_min": request.minutes,
        "nodes": request.nodes,
        "gpus_per_node": request.gpus_per_node or None,
        "tasks_per_node": request.num_tasks_per_node,
        "cpus_per_task": request.cpus_per_task,
        "mem_gb": request.megabytes and request.megabytes / 1024,
        "slurm_partition": request.partition,
        "slurm_account": request.account,
        "slurm_qos": request.qos,
        "slurm_constraint": request.constraint,
        "slurm_comment": request.comment,
        "slurm_array_parallelism": request.array_parallelism,
        "slurm_signal_delay_s": request.signal_delay,
        "slurm_setup": lines or None,
        "local_setup": lines or None,
        "slurm_srun_args": srun,
        **more,
    }
    check_parameters(request.parameters)
    try:
        executor = submitit.AutoExecutor(folder, cluster=cluster, **({} if cluster == "debug" else making))
        executor.update_parameters(**parameters)
    except (NameError, ValueError, TypeError, AssertionError) as error:
        raise InputError(f"submitit does not take this job: {error}") from error
    return executor


def check_parameters(parameters: Any) -> None:
    """Make sure that submitit knows them.

    Raises:
        InputError: it does not; the message lists those that it knows.
    """
    valid = {f"slurm_{name}" for name in SlurmExecutor._valid_parameters()}
    if unknown := [name for name in parameters if name not in valid]:
        raise InputError(
            f"{unknown[0]}: submitit has no such parameter; there are {', '.join(sorted(valid))}. What sbatch knows "
            "beyond goes into slurm_additional_parameters, as in "
            "--param 'slurm_additional_parameters={licenses: matlab}'."
        )


def submission_script(executor: submitit.AutoExecutor, count: int = 1) -> str:
    """What would be handed to ``sbatch``, or on this machine, what would be run.

    Args:
        executor: a submitit executor of SLURM or of this machine.
        count: how many jobs; several are an array.
    """
    inner = executor._executor
    if not isinstance(inner, SlurmExecutor):
        tasks = executor.parameters.get("tasks_per_node", 1)
        return f"{getattr(inner, '_submitit_command_str', 'in this process')}  # {tasks} times, on this machine"
    if count > 1:
        inner.parameters["map_count"] = count
    return inner._make_submission_file_text(inner._submitit_command_str, "")
