"""A sweep on this machine: a background job that starts those of the members, a few at a time."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from iic_ptv.launch.executor import make_executor
from iic_ptv.launch.record import LOGS, write_record
from iic_ptv.launch.request import JobRequest
from iic_ptv.launch.submit import record_of, submit
from iic_ptv.launch.sweep.job import MemberJob
from iic_ptv.launch.sweep.record import LOCK

SECONDS_BETWEEN = 0.5  # looks at whether a member has ended
LONGEST = "365-0"  # the time limit of the queue itself; its members have their own


@dataclass
class LocalQueue:
    """The jobs of members, to be started one after the other or a few at once.

    Attributes:
        jobs: what to run, by the name of the member.
        sweep: the folder of the sweep.
        logs: that of the logs, as seen from the folder of a member.
        request: what each job asks for.
        name: what the jobs are called.
    """

    jobs: Mapping[str, MemberJob]
    sweep: str
    logs: str
    request: JobRequest
    name: str

    @property
    def own_request(self) -> JobRequest:
        """What the queue itself asks for."""
        return replace(self.request, gpus_per_node=0, tasks_per_node=1, time=LONGEST)

    def __call__(self) -> None:
        """Run all of them; whoever ends the queue keeps the waiting ones from being started, and no others."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # submitit lets it pass
        with FileLock(Path(self.sweep) / LOCK):
            pass  # until whoever has submitted this has noted it as the job of all members
        waiting, running = dict(self.jobs), dict[int, Any]()
        places = range(self.request.array_parallelism or 1)
        while waiting or running:
            for place in places:
                if place in running and running[place].done():
                    del running[place]
                if place not in running and waiting:
                    name = next(iter(waiting))
                    running[place] = self._start(name, waiting.pop(name), place)
            time.sleep(SECONDS_BETWEEN)

    def _start(self, name: str, job: MemberJob, place: int) -> Any:
        executor = make_executor(self.request, Path(self.sweep) / LOGS, self.name)
        gpus = self.request.gpus_per_node
        # Members that run at the same time must not share GPUs; submitit would give all of them the first ones.
        executor._executor.parameters["visible_gpus"] = tuple(range(place * gpus, (place + 1) * gpus))
        started = submit(executor, [job])[0]
        write_record(Path(job.folder), record_of(started, self.request, self.logs, job.command))
        print(f"{name}: process {started.job_id}", flush=True)
        return started
