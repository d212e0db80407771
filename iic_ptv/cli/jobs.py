"""``iic jobs``: watch and cancel what was launched."""

from __future__ import annotations

import argparse

CANCEL = "cancel"
USAGE = "iic jobs [-h] [--follow] [RUN ...]\n       iic jobs cancel [--follow] RUN ..."


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "jobs",
        help="watch runs that were launched as jobs, or cancel them",
        usage=USAGE,
        description="Show how runs are that were launched as jobs: their state, how far they are, and the last line "
        "of their log. With the word `cancel` before their folders, end them: those that wait leave the queue, those "
        "that run end after their step and leave a checkpoint, from which `iic launch pretrain --resume RUN` goes on.",
    )
    parser.add_argument(
        "runs",
        nargs="*",
        metavar="RUN",
        help="a run folder, or one that contains runs, such as that of a sweep (default: runs, without `cancel`)",
    )
    parser.add_argument(
        "-f",
        "--follow",
        action="store_true",
        help="show them again and again until all are over; Ctrl-C leaves, and the jobs go on",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Watch, or cancel."""
    from iic_ptv.launch.cancel import cancel_command
    from iic_ptv.launch.jobs import jobs_command

    if options.runs[:1] == [CANCEL]:
        cancel_command(options.runs[1:], options.follow)
    else:
        jobs_command(options.runs, options.follow)
