"""The command ``iic``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Sequence

from iic_ptv import __version__
from iic_ptv.cli import (
    check_data,
    compare,
    convert,
    doctor,
    export,
    finetune,
    flow,
    index,
    inspect,
    jobs,
    launch,
    prepare,
    pretrain,
    probe,
    profile,
    quickstart,
    render,
    retrieve,
    search,
    sweep,
    zoo,
)
from iic_ptv.cli.job_options import launch as launch_job
from iic_ptv.cli.job_options import wants_a_job
from iic_ptv.cli.parser import Parser
from iic_ptv.errors import InputError, RunInterrupted, message_of

INTERRUPTED = 130  # what shells report for Ctrl-C
# Read when torch is imported, which the commands do later. Threads that wait for each other by spinning take the cores
# from the processes that decode; on a shared machine that made steps ten times slower. And PyTorch's libraries in C++
# advise on the terminal.
ENVIRONMENT = {"OMP_WAIT_POLICY": "passive", "TORCH_CPP_LOG_LEVEL": "ERROR", "KINETO_LOG_LEVEL": "99"}


class ShowVersion(argparse.Action):
    """Print the version; the commit is asked for only then."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: object, values: object, option_string: str | None = None
    ) -> None:
        """Print it, and exit."""
        from iic_ptv.runs.folder import NO_CHECKOUT, source_commit

        commit = source_commit()
        print(f"iic_ptv {__version__}" + ("" if commit == NO_CHECKOUT else f" (commit {commit})"))
        parser.exit()


def make_parser() -> argparse.ArgumentParser:
    """The parser with all sub-commands."""
    parser = Parser(
        prog="iic",
        description="Inter-Intra Contrastive video representation learning: pre-train, retrieve, search.",
        epilog="`iic COMMAND --help` tells more of each. KEY VALUE pairs change options of a run, which are listed "
        "with their defaults and meanings in iic_ptv/config.py; a wrong key is answered with near ones. `iic doctor` "
        "says what works on this machine.",
    )
    parser.add_argument(
        "--version", action=ShowVersion, nargs=0, help="print the version, and the commit of a checkout"
    )
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in (
        quickstart,
        pretrain,
        finetune,
        retrieve,
        probe,
        index,
        search,
        launch,
        sweep,
        jobs,
        compare,
        convert,
        export,
        inspect,
        profile,
        check_data,
        prepare,
        flow,
        render,
        zoo,
        doctor,
    ):
        command.add_parser(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; what the user can mend ends in one message and exit code 2, Ctrl-C in exit code 130."""
    try:
        run(sys.argv[1:] if arguments is None else arguments)
    except InputError as error:
        print(f"iic: {message_of(error)}", file=sys.stderr)
        sys.exit(2)
    except (KeyboardInterrupt, RunInterrupted):
        print("iic: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)


def run(arguments: Sequence[str]) -> None:
    """Run a command, or launch it as a job.

    Raises:
        InputError: something that the user can mend.
        RunInterrupted: the run was asked to stop, and left a checkpoint.
    """
    options = make_parser().parse_args(arguments)
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    _quieten_libraries()
    options.launched = list(arguments)[1:]
    if wants_a_job(options):
        launch_job(arguments)
    else:
        options.run(options)


def _quieten_libraries() -> None:
    """Keep the libraries' advice to their developers off the user's terminal; real problems are errors."""
    # Lightning resets the level of its logger when it is imported, but not of the ones below it.
    for logger in ("lightning.pytorch.utilities.rank_zero", "lightning.fabric.utilities.rank_zero"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", module="lightning")
