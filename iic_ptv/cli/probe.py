"""``iic probe``: score frozen features by k-NN, a linear classifier, and few labels."""

from __future__ import annotations

import argparse

from iic_ptv.cli.evaluation import add_arguments, request_of


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "probe",
        help="score frozen features: k-NN, linear classifier, few labels",
        description="Embed gallery and query videos once (10 clips each), and classify the queries by the labels of "
        "the gallery: by their weighted nearest neighbours, by a linear classifier, and by one that has seen only a "
        "few videos of each class; for every view and all of them jointly, beside the untrained network.",
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Score the features, and print and write the figures."""
    from iic_ptv.runs.evaluation.probe_command import probe_command

    probe_command(request_of(options))
