"""What runs in the job of a member: its training, then its evaluations, as far as they are not done."""

from __future__ import annotations

import contextlib
import os
import signal
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import submitit

from iic_ptv.errors import InputError
from iic_ptv.launch.job import RunJob, run_in_good_order, take_over_process
from iic_ptv.runs.folder import METRICS
from iic_ptv.runs.status import FINISHED, REQUEUED, read_status, tell_status


@dataclass
class StepJob(RunJob):
    """One step of a member, with the options that the sweep file has for it now."""

    plan: str

    def command(self) -> list[str]:
        """As of any run; one that goes on may do so where, and in as many processes, as is asked for by now."""
        from iic_ptv.launch.sweep.member import changes_of  # which imports PyTorch

        command = super().command()
        return [*command, *changes_of(Path(self.plan), Path(self.folder))] if "--resume" in command else command


@dataclass
class MemberJob:
    """A member of a sweep as a job.

    Attributes:
        folder: that of the member.
        sweep: that of the sweep, whose table is brought up to date at the end.
        steps: what to do, by name.
        directory: where relative paths start from.
        again: the command that submits what is left to do.
        retries: how often it is requeued after it broke down.
        failures: how often that has happened.
    """

    folder: str
    sweep: str
    steps: Mapping[str, StepJob]
    directory: str
    again: str
    retries: int = 0
    failures: int = 0

    def __call__(self) -> None:
        """Do what is left to do. Ends the process with the exit code of the command that failed, if one does."""
        requeue = take_over_process(self.directory)
        try:
            run_in_good_order(self._take_steps, Path(self.folder), requeue, self.again)
        except Exception as error:
            if not self._is_first or self.failures == self.retries:
                raise
            traceback.print_exc()
            self.failures += 1
            tell_status(Path(self.folder), state=REQUEUED, message=f"{type(error).__name__}: {error}")
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which SLURM sends to what it requeues
            requeue(signal.SIGUSR2, None)
        finally:
            status = read_status(Path(self.folder))
            if self._is_first and status is not None and status.state != REQUEUED:  # else it is being ended
                self._update_table()

    @property
    def command(self) -> list[str]:
        """Its first step, as one would type it."""
        return ["iic", *next(iter(self.steps.values())).arguments]

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """What submitit is to start again: the same, which finds what the folder holds by then."""
        return submitit.helpers.DelayedSubmission(self)

    def _update_table(self) -> None:
        from iic_ptv.launch.sweep.table import update_table  # which imports PyTorch

        with contextlib.suppress(InputError, OSError):  # the table is not what the job is for
            update_table(Path(self.sweep))

    @property
    def _is_first(self) -> bool:
        return submitit.JobEnvironment().global_rank == 0

    def _take_steps(self) -> None:
        # Found out once, at the begin: what the first process has completed, the others have taken part in.
        left = {name: step for name, step in self.steps.items() if not (Path(step.folder) / METRICS).is_file()}
        for name, step in left.items():
            folder = Path(step.folder)
            if self._is_first:
                tell_status(Path(self.folder), stage=name)
            folder.mkdir(exist_ok=True)
            _part_from_group()
            step.run()
            if self._is_first and step.folder != self.folder:
                tell_status(folder, state=FINISHED)


def _part_from_group() -> None:
    """Let the processes of the job find each other anew, at another place: each step makes a group of its own.

    That of the step before is of no use: what the processes of a training send each other with, others may not be able
    to. And the first process may still be busy with that step, when others look for it here.
    """
    import torch.distributed as dist

    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
    os.environ["MASTER_PORT"] = str(int(os.environ["MASTER_PORT"]) + 1)
