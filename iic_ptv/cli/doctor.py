"""``iic doctor``: what of this machine works, what does not, and how to mend it."""

from __future__ import annotations

import argparse
import sys

BROKEN = 1


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "doctor",
        help="find out what works on this machine, what does not, and how to mend it",
        description="Look at the versions of what is installed, try out the decoders, look for GPUs, SLURM, room on "
        "disk and the weights of the model zoo, and try out known faults of the installed versions. The last line says "
        "what to do first. Nothing is changed, and nothing is downloaded. Exit code 0: all that is required works; 1: "
        "something does not.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for reports of faults")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Look, and say what was found."""
    try:
        from iic_ptv.runs.doctor.command import doctor_command
    except ImportError as error:
        print(f"iic: it cannot even begin ({error}). Install it again: pip install iic-ptv", file=sys.stderr)
        sys.exit(BROKEN)
    if not doctor_command(options.json):
        sys.exit(BROKEN)
