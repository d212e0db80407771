"""``iic retrieve``: score video retrieval with a network."""

from __future__ import annotations

import argparse


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "retrieve",
        help="score how well a network finds videos of the same class",
        description="Embed gallery and query videos (10 clips each), search by cosine similarity, and report top-k "
        "accuracy for every view and for all of them jointly.",
    )
    parser.add_argument(
        "--checkpoint", metavar="RUN", help="run folder or .ckpt file; without it, an untrained network"
    )
    parser.add_argument("--config", metavar="FILE", help="YAML file, in place of the configuration in the checkpoint")
    parser.add_argument("--data", metavar="FOLDER", help="folder that the paths in lists start from")
    path = {"action": "append", "metavar": "PATH"}
    parser.add_argument("--query", **path, help="what to search with: a list, or a folder of class folders; repeatable")
    parser.add_argument("--gallery", **path, help="what to search in, likewise; by default the training data")
    parser.add_argument("overrides", nargs="*", metavar="KEY VALUE", help="options to change, e.g. EVAL.NUM_CLIPS 4")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Score the retrieval, and print and write the figures."""
    from iic_ptv.runs.command import retrieve_command

    retrieve_command(
        options.checkpoint, options.config, options.data, options.query, options.gallery, options.overrides
    )
