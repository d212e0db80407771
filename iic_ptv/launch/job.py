"""What runs in a job: a command of ``iic``, which goes on where it was when the job is requeued.

submitit starts this in every process of the job, and owns the requeueing: the signal that announces the end of the
time or a pre-emption asks the training to stop, and once its checkpoint is written, is handed on to submitit.
"""

from __future__ import annotations

import os
import signal
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
        os.chdir(self.directory)
        _join_processes()
        os.environ[INHERITED_FOLDER] = self.folder
        requeue: Any = signal.getsignal(signal.SIGUSR2)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, _press_ctrl_c)
        run_in_good_order(lambda: run_command(self.command()), folder, requeue)

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


def run_in_good_order(work: Callable[[], None], folder: Path, requeue: Callable[[int, Any], None]) -> None:
    """Do the work of a job, say how it ends, and see that it goes on if it is to.

    Args:
        work: what to do.
        folder: the run folder.
        requeue: submitit's handler of the signal that announces the end; in the first process it requeues the job and
            ends the process, unless that has happened too often.
    """
    is_first = submitit.JobEnvironment().global_rank == 0

    def tell(state: str, message: str = "") -> None:
        if is_first:
            tell_status(folder, state=state, message=message)

    tell(RUNNING)
    try:
        work()
    except RunInterrupted as stopped:
        if not stopped.to_go_on:
            tell(STOPPED, "cancelled, or requeued by the cluster")
            sys.exit(INTERRUPTED)
        if not is_first:  # and must not end with an error before the first one has requeued the job
            sys.exit(0)
        tell(REQUEUED)
        try:
            requeue(signal.SIGUSR2, None)
        except submitit.core.utils.UncompletedJobError as error:
            tell(STOPPED, f"{error} Go on with: iic launch {folder.parent.name} --resume {folder}")
            raise
    except KeyboardInterrupt:
        tell(STOPPED, "cancelled, or requeued by the cluster")
        sys.exit(INTERRUPTED)
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


def _press_ctrl_c(*_: Any) -> None:
    signal.raise_signal(signal.SIGINT)


def _was_requeued(error: SystemExit) -> bool:
    """Whether it was submitit's handler that ended the process, not within training but around it."""
    return any("job_environment" in frame.filename for frame in traceback.extract_tb(error.__traceback__))
