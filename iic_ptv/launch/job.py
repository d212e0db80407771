"""What runs in a job: a command of ``iic``, which goes on where it was when the job is requeued.

submitit starts this in every process of the job, and owns the requeueing: the signal that announces the end of the
time or a pre-emption asks the training to stop, and once its checkpoint is written, is handed on to submitit.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import submitit

from iic_ptv.errors import InputError, RunInterrupted, message_of
from iic_ptv.runs.folder import INHERITED_FOLDER
from iic_ptv.runs.status import FAILED, FINISHED, REQUEUED, RUNNING, STOPPED, read_status, tell_status

RESUMABLE = ("pretrain", "finetune")
CHECKPOINTS = ("checkpoints/last.ckpt", "checkpoints/previous.ckpt")
INTERRUPTED = 130
CANCEL, REQUEUE, IS_REQUEUED = "cancel", "requeue", "is requeued"  # what is to become of a job that is told to end

Requeue = Callable[[int, Any], None]


@dataclass
class RunJob:
    """A command of ``iic`` as a job.

    Attributes:
        arguments: the command, without ``iic``.
        folder: the run folder, which exists.
        directory: where relative paths start from.
    """

    arguments: Sequence[str]
    folder: str
    directory: str

    def __call__(self) -> None:
        """Run the command, or go on with it. Ends the process with the exit code of the command."""
        folder = Path(self.folder)
        if _is_finished(folder):  # the job was requeued after its end
            print(f"{folder}: this run is complete")
            return
        again = f"iic launch {self.arguments[0]} --resume {folder}"
        run_in_good_order(self.run, folder, take_over_process(self.directory), again)

    def run(self) -> None:
        """Run the command in its folder, in this process."""
        os.environ[INHERITED_FOLDER] = self.folder
        run_command(self.command())

    def command(self) -> list[str]:
        """The arguments of ``iic``: the given ones, or those that go on with what the run folder holds."""
        folder = Path(self.folder)
        is_begun = any((folder / name).is_file() for name in CHECKPOINTS)
        if self.arguments[0] in RESUMABLE and is_begun and "--resume" not in self.arguments:
            return [self.arguments[0], "--resume", self.folder]
        return list(self.arguments)

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """What submitit is to start again: the same, which finds what the run folder holds by then."""
        return submitit.helpers.DelayedSubmission(self)


def take_over_process(directory: str) -> Requeue:
    """Make a process that submitit has started ready to work, in good order with the others of its job.

    Args:
        directory: where relative paths start from.

    Returns:
        submitit's handler of the signal that announces the end.
    """
    os.chdir(directory)
    _join_processes()
    requeue: Any = signal.getsignal(signal.SIGUSR2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _press_ctrl_c)
    return requeue


def run_in_good_order(work: Callable[[], None], folder: Path, requeue: Requeue, again: str) -> None:
    """Do the work of a job, say how it ends, and see that it goes on if it is to.

    Args:
        work: what to do.
        folder: the run folder.
        requeue: submitit's handler of the signal that announces the end; in the first process it requeues the job and
            ends the process, unless that has happened too often.
        again: the command that goes on with a run that is not requeued any more.
    """
    is_first = submitit.JobEnvironment().global_rank == 0

    def tell(state: str, message: str = "") -> None:
        if is_first:
            tell_status(folder, state=state, message=message)

    tell(RUNNING)
    try:
        work()
    except (RunInterrupted, KeyboardInterrupt) as stopped:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # SLURM may send it twice
        if not is_first:  # and must not end with an error before the first one has requeued the job
            sys.exit(0)
        announced = isinstance(stopped, RunInterrupted) and stopped.to_go_on
        wish = REQUEUE if announced else _wish_of_the_cluster()
        if wish == CANCEL:
            tell(STOPPED, "cancelled")
            sys.exit(INTERRUPTED)
        tell(REQUEUED)
        if wish == IS_REQUEUED:
            sys.exit(INTERRUPTED)
        try:
            requeue(signal.SIGUSR2, None)
        except submitit.core.utils.UncompletedJobError as error:
            tell(STOPPED, f"{error} Go on with: {again}")
            print(f"iic: {error} Go on with: {again}", file=sys.stderr)
            sys.exit(1)
    except InputError as error:
        tell(FAILED, message_of(error))
        print(f"iic: {message_of(error)}", file=sys.stderr)
        sys.exit(2)
    except SystemExit as error:
        if error.code not in (0, None):
            tell(REQUEUED if _was_requeued(error) else FAILED, "" if _was_requeued(error) else f"exit {error.code}")
        raise
    except Exception as error:
        tell(FAILED, f"{type(error).__name__}: {error}")
        raise
    tell(FINISHED)


def run_command(arguments: Sequence[str]) -> None:
    """Run a command of ``iic`` in this process."""
    from iic_ptv.cli.main import run  # which imports what the job may not need

    print("$ iic", *arguments, flush=True)
    sys.argv = ["iic", *arguments]
    run(arguments)


def _is_finished(folder: Path) -> bool:
    status = read_status(folder)
    return status is not None and status.state == FINISHED


def _join_processes() -> None:
    """Let the processes of the job find each other: in the environment variables of torchrun."""
    launched = submitit.helpers.TorchDistributedEnvironment()
    # Every process sees all GPUs of its machine, and takes the one of its number.
    launched.export(set_cuda_visible_devices=False, overwrite=True)
    os.environ["GROUP_RANK"] = str(submitit.JobEnvironment().node)


def _wish_of_the_cluster() -> str:
    """What SLURM means by SIGTERM: it sends the same when a job is cancelled, requeued and pre-empted.

    A job that is pre-empted is still running by SLURM's books, which would take it to be complete if it ended now. One
    that SLURM has requeued has begun once more by its books. A cancelled one must not be requeued: it would come back.
    """
    job_id = os.environ.get("SLURM_JOB_ID")
    if job_id is None:
        return CANCEL
    shown = subprocess.run(["scontrol", "show", "job", "--oneliner", job_id], capture_output=True, text=True).stdout
    if "JobState=RUNNING" in shown and re.search(r"PreemptTime=\d", shown):
        return REQUEUE
    restarts = re.search(r"Restarts=(\d+)", shown)
    begun = int(os.environ.get("SLURM_RESTART_COUNT", "0"))
    return IS_REQUEUED if restarts and int(restarts[1]) > begun else CANCEL


def _press_ctrl_c(*_: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # SLURM may send it twice
    signal.raise_signal(signal.SIGINT)


def _was_requeued(error: SystemExit) -> bool:
    """Whether it was submitit's handler that ended the process, not within training but around it."""
    return any("job_environment" in frame.filename for frame in traceback.extract_tb(error.__traceback__))
