"""What ``iic launch`` does: from a command and a request to a job in the queue."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import submitit

from iic_ptv.cli.main import ENVIRONMENT
from iic_ptv.errors import InputError
from iic_ptv.launch.executor import cluster_of, make_executor, submission_script
from iic_ptv.launch.job import RunJob
from iic_ptv.launch.plan import Plan, plan_of
from iic_ptv.launch.record import LOGS, JobRecord, log_of, write_record
from iic_ptv.launch.request import JobRequest
from iic_ptv.runs.folder import create_run_folder
from iic_ptv.runs.status import FAILED, QUEUED, read_status, tell_status
from iic_ptv.runs.terminal import say

CODE = "code"  # in a run folder: the snapshot; of a later job of the same run, code-2


def launch_command(arguments: Sequence[str], request: JobRequest, dry_run: bool) -> None:
    """Submit a command of ``iic`` as a job, and say what to do next; or only show what would be submitted.

    Raises:
        InputError: the command or the request cannot be used, or the cluster refuses the job.
    """
    plan = plan_of(arguments)
    folder = plan.folder or Path(plan.cfg.OUTPUT) / plan.command / f"DATE-TIME-{plan.name}"
    # Before there is a run folder, as it finds what is wrong with the request.
    script = script_of(request, folder, f"iic-{plan.name}")
    if dry_run:
        say(f"{script}\n# configuration\n{plan.cfg.dump().rstrip()}")
        return
    folder = plan.folder or create_run_folder(plan.cfg.OUTPUT, plan.command, plan.name)
    record = launch(plan, arguments, request, folder)
    say(f"run folder: {folder}")
    if record.cluster == "debug":
        return
    place = "in the queue" if record.cluster == "slurm" else "started on this machine"
    say(f"job {record.job_id} is {place}; its log:")
    say(f"  {log_of(folder, record)}")
    say("watch it, or cancel it, with:")
    say(f"  iic jobs {folder} --follow")
    say(f"  iic jobs cancel {folder}")


def launch(plan: Plan, arguments: Sequence[str], request: JobRequest, folder: Path) -> JobRecord:
    """Submit a command for a run folder that exists.

    Raises:
        InputError: as :func:`launch_command`.
    """
    from iic_ptv.launch.snapshot import take_snapshot  # which imports PyTorch; the queue of a sweep does without

    folder = folder.absolute()
    code = take_snapshot(new_name(folder / CODE), plan.cfg.PLUGINS)
    job = RunJob(list(arguments), str(folder), os.getcwd())
    with environment_of_jobs(code):
        executor = make_executor(request, folder / LOGS, f"iic-{plan.name}", setup_lines(request, code))
        before = read_status(folder)
        tell_status(folder, state=QUEUED, message="")  # before the job can tell otherwise
        try:
            submitted = submit(executor, [job])[0]
        except InputError as error:
            tell_status(folder, state=before.state if before else FAILED, message=str(error))
            raise
    record = record_of(submitted, request, LOGS, ["iic", *arguments])
    write_record(folder, record)
    if record.cluster == "debug":
        submitted.results()
    return record


def submit(executor: submitit.AutoExecutor, jobs: Sequence[Any]) -> list[Any]:
    """Hand jobs to the cluster, several as an array.

    Raises:
        InputError: it refuses them; the message is its own.
    """
    try:
        with submitit.helpers.clean_env():
            if len(jobs) == 1:
                return [executor.submit(jobs[0])]
            with executor.batch():
                return [executor.submit(job) for job in jobs]
    except submitit.core.utils.FailedJobError as error:
        raise InputError(f"the cluster refuses this job: {_last_words(error)}") from error


def record_of(job: Any, request: JobRequest, logs: str, command: Sequence[str]) -> JobRecord:
    """What to note of a submitted job."""
    return JobRecord(
        job.job_id,
        cluster_of(request),
        logs,
        request.nodes * request.num_tasks_per_node,
        shlex.join(command),
        datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def setup_lines(request: JobRequest, code: Path) -> tuple[str, ...]:
    """Shell lines that put the snapshot in front of what is installed, and set what `iic` does."""
    if cluster_of(request) != "slurm":
        return ()
    return (
        f"export PYTHONPATH={shlex.quote(str(code))}${{PYTHONPATH:+:$PYTHONPATH}}",
        *(f"export {name}=${{{name}:-{value}}}" for name, value in ENVIRONMENT.items()),
    )


@contextmanager
def environment_of_jobs(code: Path) -> Iterator[None]:
    """What is started on this machine inside runs the snapshot, outlives the terminal, and keeps no pipe open."""
    path = os.environ.get("PYTHONPATH")
    hang_up = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.environ["PYTHONPATH"] = f"{code}{os.pathsep}{path}" if path else str(code)
    try:
        with _output_to_nowhere():
            yield
    finally:
        signal.signal(signal.SIGHUP, hang_up)
        if path is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = path


@contextmanager
def _output_to_nowhere() -> Iterator[None]:
    """Let processes that are started inside inherit an output of which nobody waits for the end; jobs have logs."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {stream: os.dup(stream) for stream in (1, 2)}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in kept:
            os.dup2(nowhere, stream)
        yield
    finally:
        for stream, copy in kept.items():
            os.dup2(copy, stream)
            os.close(copy)
        os.close(nowhere)


def script_of(request: JobRequest, folder: Path, name: str, count: int = 1) -> str:
    """What would be submitted; nothing is made.

    Args:
        request: what each job asks for.
        folder: where the logs and the snapshot would go.
        name: what the jobs would be called.
        count: how many; several are an array.

    Raises:
        InputError: the request cannot be met.
    """
    folder = folder.absolute()
    with tempfile.TemporaryDirectory() as elsewhere:  # submitit makes its folder
        executor = make_executor(request, Path(elsewhere), name, setup_lines(request, folder / CODE))
        return submission_script(executor, count).replace(elsewhere, str(folder / LOGS))


def new_name(path: Path) -> Path:
    """A path that is not taken: ``code``, or where there is such, ``code-2`` and so on."""
    taken = [path, *path.parent.glob(f"{path.name}-*")] if path.exists() else []
    return path.with_name(f"{path.name}-{len(taken) + 1}") if taken else path


def _last_words(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else str(error)
