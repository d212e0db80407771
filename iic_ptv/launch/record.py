"""What a run folder tells of the job that works for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from iic_ptv.errors import InputError
from iic_ptv.files.structured import StructureError, from_json, to_json
from iic_ptv.runs.folder import write_json

JOB, LOGS = "job.json", "job"  # in a run folder: the record of its job; the folder of logs and of what was submitted


@dataclass(frozen=True)
class JobRecord:
    """A job that was submitted for a run.

    Attributes:
        job_id: the cluster's; of a member of an array as ``12_3``; on this machine, the number of a process.
        cluster: ``slurm``, ``local`` or ``debug``.
        logs: the folder of its logs, relative to the run folder: ``JOB_RANK_log.out`` and ``.err`` for every process.
        tasks: its processes.
        command: what runs, as one would type it.
        submitted: when, in ISO format, UTC.
    """

    job_id: str
    cluster: str
    logs: str
    tasks: int
    command: str
    submitted: str


def write_record(folder: Path, record: JobRecord) -> None:
    """Note the job of a run in its folder."""
    write_json(folder / JOB, to_json(record))


def read_record(folder: Path) -> JobRecord | None:
    """The job of a run; None if it was not submitted as one.

    Raises:
        InputError: the record is damaged.
    """
    if not (folder / JOB).is_file():
        return None
    try:
        return from_json(JobRecord, json.loads((folder / JOB).read_text()))
    except (OSError, ValueError, StructureError) as error:
        raise InputError(f"{folder / JOB}: the record of a job is damaged ({error}).") from error


def log_of(folder: Path, record: JobRecord, rank: int = 0, stream: str = "out") -> Path:
    """The log of one process of a job."""
    return folder / record.logs / f"{record.job_id}_{rank}_log.{stream}"
