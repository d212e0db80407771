"""``iic pretrain``: pre-train on videos without labels."""

from __future__ import annotations

import argparse

from iic_ptv.cli.job_options import add_job_options


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "pretrain",
        help="pre-train a network on videos, without labels",
        description="Pre-train as the paper does (R3D, RGB and residual frames, repeated frames as intra-negatives), "
        "unless --config or KEY VALUE pairs say otherwise. Takes any videos, without labels: name their folder with "
        "--data, or let DATA.KIND scenes render some. Every run gets a folder of its own in runs/pretrain, which the "
        "other commands take as --checkpoint.",
    )
    parser.add_argument(
        "--data", metavar="FOLDER", help="folder of videos, in whatever sub-folders; short for DATA.ROOT FOLDER"
    )
    parser.add_argument("--config", metavar="FILE", help="YAML file that changes some of the defaults")
    parser.add_argument("--resume", metavar="RUN", help="run folder or checkpoint to go on with")
    parser.add_argument("overrides", nargs="*", metavar="KEY VALUE", help="options to change, e.g. OPTIM.EPOCHS 100")
    add_job_options(parser, hidden=True)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Pre-train, and say where the results are."""
    from iic_ptv.runs.pretraining.command import pretrain_command

    pretrain_command(options.config, options.data, options.overrides, options.resume)
