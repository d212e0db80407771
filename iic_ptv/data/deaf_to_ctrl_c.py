"""Processes that leave it to the one that started them to end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """What is started in the block never hears of Ctrl-C, which reaches all processes; the first ends the others.

    So do the signals with which SLURM ends a job or announces its end: it sends them to all processes of a job. The
    processes could turn a deaf ear by themselves only after they have imported torch, with a traceback until then.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # multiprocessing's own; starting it within the block would end the deafness
    signals = {signal.SIGINT, signal.SIGUSR2}
    if "SLURM_JOB_ID" in os.environ:
        signals.add(signal.SIGTERM)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
