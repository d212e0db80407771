"""From the members of a sweep to jobs: an array on a cluster, a queue on this machine, or one by one right here."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from iic_ptv.errors import InputError
from iic_ptv.launch.executor import cluster_of, make_executor
from iic_ptv.launch.job import INTERRUPTED
from iic_ptv.launch.record import LOGS, write_record
from iic_ptv.launch.request import JobRequest, checked_options, job_request, read_preset
from iic_ptv.launch.snapshot import take_snapshot
from iic_ptv.launch.submit import CODE, environment_of_jobs, new_name, record_of, script_of, setup_lines, submit
from iic_ptv.launch.sweep.file import SweepFile
from iic_ptv.launch.sweep.job import MemberJob, StepJob
from iic_ptv.launch.sweep.local_queue import LocalQueue
from iic_ptv.launch.sweep.member import Member
from iic_ptv.runs.status import QUEUED, tell_status


def request_of(file: SweepFile, preset: str | None, options: Mapping[str, Any]) -> JobRequest:
    """What the job of each member asks for: the command line is heard before the file.

    Args:
        file: the sweep.
        preset: of the command line, in place of that of the file.
        options: of the command line.

    Raises:
        InputError: something that is asked for cannot be had.
    """
    said = dict(file.job)
    own_preset = said.pop("preset", None)
    beneath = [checked_options(said, f"{file.path}: job: ")]
    if own_preset is not None and preset is None:
        beneath.insert(0, checked_options(read_preset(str(own_preset)), f"{own_preset}: "))
    if file.at_most is not None:
        beneath.append({"array_parallelism": file.at_most})
    try:
        job_request(None, {}, *beneath)
    except InputError as error:
        raise InputError(f"{file.path}: job: {error}") from error
    return job_request(preset, options, *beneath)


def submit_members(folder: Path, file: SweepFile, members: Sequence[Member], request: JobRequest) -> list[Any]:
    """Hand members to the cluster, as one array.

    Args:
        folder: that of the sweep.
        file: the sweep.
        members: those that have something left to do, and no job.
        request: what each asks for.

    Returns:
        Their jobs; those of the cluster ``debug`` wait for being run with :func:`run_here`.

    Raises:
        InputError: the request cannot be met, or the cluster refuses it.
    """
    plugins = sorted({plugin for member in members for plugin in member.steps[0].cfg.PLUGINS})
    code = take_snapshot(new_name(folder / CODE), plugins)
    for member in members:
        member.write_plan()
        tell_status(member.folder, state=QUEUED, stage="", message="")
    with environment_of_jobs(code):
        jobs = [_job_of(folder, file, member, request) for member in members]
        if cluster_of(request) == "local":
            queue = _local_queue(folder, jobs, members, request)
            submitted = submit(_executor(folder, queue.own_request, code), [queue]) * len(jobs)
        else:
            submitted = submit(_executor(folder, request, code), jobs)
    for member, job, record in zip(members, jobs, submitted, strict=True):
        write_record(member.folder, record_of(record, request, _logs(folder, member), job.command))
    return submitted


def run_here(jobs: Sequence[Any]) -> None:
    """Run jobs of the cluster ``debug`` in this process, one after the other; one that fails does not keep the rest.

    Raises:
        KeyboardInterrupt: Ctrl-C in one of them.
    """
    for job in jobs:
        try:
            job.results()
        except SystemExit as end:
            if end.code == INTERRUPTED:
                raise KeyboardInterrupt from end


def checked_script(folder: Path, request: JobRequest, count: int) -> str:
    """What would be handed to the cluster for so many members; nothing is made.

    Raises:
        InputError: the request cannot be met.
    """
    if cluster_of(request) == "local" and request.gpus_per_node:
        _check_gpus(request)
    return script_of(request, folder, _name(folder), count)


def _executor(folder: Path, request: JobRequest, code: Path) -> Any:
    return make_executor(request, folder / LOGS, _name(folder), setup_lines(request, code))


def _local_queue(folder: Path, jobs: Sequence[MemberJob], members: Sequence[Member], request: JobRequest) -> LocalQueue:
    named = {member.name: job for member, job in zip(members, jobs, strict=True)}
    return LocalQueue(named, str(folder), _logs(folder, members[0]), replace(request, cluster="local"), _name(folder))


def _check_gpus(request: JobRequest) -> None:
    import torch

    at_once = request.array_parallelism or 1
    needed, there = at_once * request.gpus_per_node, torch.cuda.device_count()
    if needed > there:
        raise InputError(
            f"at_most: {at_once} members at once with {request.gpus_per_node} GPUs each need {needed}, and this "
            f"machine has {there}. Ask for fewer: --gpus-per-node 0 is for none."
        )


def _job_of(folder: Path, file: SweepFile, member: Member, request: JobRequest) -> MemberJob:
    here = os.getcwd()
    steps = {step.name: StepJob(step.arguments, str(step.folder), here, str(step.plan)) for step in member.steps}
    retries = 0 if cluster_of(request) == "debug" else file.retries
    return MemberJob(str(member.folder), str(folder), steps, here, file.command, retries)


def _name(folder: Path) -> str:
    return f"iic-{folder.name}"


def _logs(folder: Path, member: Member) -> str:
    return os.path.relpath(folder / LOGS, member.folder)
