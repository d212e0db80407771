"""Checks run in another process, which they may bring down."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection

from iic_ptv.runs.doctor.finding import Check, Finding

PATIENCE = 120.0  # seconds for a check; importing torch from a busy disk of a cluster takes long


def examine(checks: Sequence[Check], patience: float = PATIENCE) -> Iterator[tuple[Check, list[Finding]]]:
    """Yield every check with its findings.

    One that raises an error, takes too long or kills the process has that as its finding; another process goes on.

    Args:
        checks: what to look at, in this order.
        patience: seconds for each.
    """
    done = 0
    while done < len(checks):
        for check, findings in _in_one_process(checks[done:], patience):
            yield check, findings
            done += 1


def _in_one_process(checks: Sequence[Check], patience: float) -> Iterator[tuple[Check, list[Finding]]]:
    """What a process finds, up to the check that ends it."""
    context = multiprocessing.get_context("spawn")
    connection, far_end = context.Pipe(duplex=False)
    process = context.Process(target=_look, args=(checks, far_end), daemon=True)
    process.start()
    far_end.close()  # or the end of the process would not be seen here
    try:
        for check in checks:
            if not connection.poll(patience):
                yield check, [_failed(check, f"no answer within {patience:g} s")]
                return
            try:
                yield check, connection.recv()
            except EOFError:
                process.join()
                yield check, [_failed(check, _death(process.exitcode or 0))]
                return
    finally:
        process.kill()
        process.join()


def _look(checks: Sequence[Check], connection: Connection) -> None:
    """What the process does: in silence, as libraries write warnings of their own to the terminal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process, which ends this one
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    for check in checks:
        connection.send(_findings(check))


def _findings(check: Check) -> list[Finding]:
    try:
        return check.look()
    except (Exception, SystemExit) as error:  # whatever is wrong with an installation comes to light here
        return [_failed(check, f"{type(error).__name__}: {first_line(error)}")]


def first_line(error: BaseException) -> str:
    """What an error says, without the rest of a long message."""
    return (str(error).strip().splitlines() or ["no reason given"])[0]


def _failed(check: Check, why: str) -> Finding:
    return Finding(check.about, check.failure, why, check.mend)


def _death(exit_code: int) -> str:
    reason = signal.strsignal(-exit_code) if exit_code < 0 else f"exit code {exit_code}"
    return f"looking at it ended the process ({reason})"
