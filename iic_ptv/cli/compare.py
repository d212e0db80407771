"""``iic compare``: runs side by side."""

from __future__ import annotations

import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "compare",
        help="put runs side by side: their numbers, their options, their curves",
        description="Print what runs have in their metrics.json and in what their configurations differ, and write "
        "both as a report with the curves of training. The runs may be of different commands.",
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders, two or more")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="the HTML page to write; by default in a folder of its own in runs/compare",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Compare."""
    from iic_ptv.runs.compare import compare_command

    compare_command(options.runs, options.output)
