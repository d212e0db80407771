"""``iic profile``: where the time of a training step goes."""

from __future__ import annotations

import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "profile",
        help="find out where the time of a pre-training step goes, and what to change first",
        description="Make the first steps of a pre-training, as `iic pretrain` would with the same options, and take "
        "the time of each part: waiting for clips, transforms, views, the network forward and backward, the loss, the "
        "optimiser. Write a trace of a step, too, for https://ui.perfetto.dev or chrome://tracing. Where no videos are "
        "named, some are rendered.",
    )
    parser.add_argument("--data", metavar="FOLDER", help="folder of videos; short for DATA.ROOT FOLDER")
    parser.add_argument("--config", metavar="FILE", help="YAML file that changes some of the defaults")
    parser.add_argument(
        "--steps", type=int, default=10, metavar="N", help="how many to take times of, after two others (default: 10)"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        help="where to write trace.json and profile.json; by default a folder of its own in runs/profile",
    )
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="[FILE.yaml] KEY VALUE",
        help="a file in place of --config FILE, and options to change, e.g. OPTIM.BATCH_SIZE 32",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Profile, and say what came of it."""
    from iic_ptv.runs.profiling.command import profile_command

    config, overrides = options.config, options.overrides
    if config is None and overrides and overrides[0].endswith((".yaml", ".yml")):
        config, *overrides = overrides
    profile_command(config, options.data, overrides, options.steps, options.output)
