"""``iic launch``: run a command as a job on a cluster."""

from __future__ import annotations

import argparse

from iic_ptv.cli.job_options import add_job_options, launch


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "launch",
        help="run a command as a job on a SLURM cluster, where it outlives time limits and pre-emption",
        description="Submit `iic COMMAND ...` through submitit: to SLURM, or where there is none, to this machine. The "
        "job runs the code as it is now. When its time is up or its nodes are needed, it saves its state, is requeued, "
        "and goes on where it was. `iic jobs` watches it.",
    )
    add_job_options(parser)
    parser.add_argument(
        "words",
        nargs=argparse.REMAINDER,
        metavar="COMMAND ...",
        help="pretrain, finetune, retrieve, probe or index, with its options",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Submit, and say how to watch it."""
    launch(options.launched)
