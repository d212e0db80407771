"""``iic retrieve``: score video retrieval with a network."""

from __future__ import annotations

import argparse

from iic_ptv.cli.evaluation import add_arguments, request_of


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "retrieve",
        help="score how well a network finds videos of the same class",
        description="Embed gallery and query videos (10 clips each), search by cosine similarity, and report top-k "
        "accuracy and mAP for every view and for all of them jointly, beside the untrained network.",
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Score the retrieval, and print and write the figures."""
    from iic_ptv.runs.evaluation.retrieve_command import retrieve_command

    retrieve_command(request_of(options))
