"""``iic sweep``: a grid of pre-trainings with their evaluations, and one table of all."""

from __future__ import annotations

import argparse

from iic_ptv.cli.job_options import PREFIX, add_job_options, request_parts

DESCRIPTION = """
Pre-train for every combination of some options, evaluate each, and keep one table of all. Everything is
in OUTPUT/sweep/NAME_OF_FILE. The same command again submits what failed, was lost or was added since,
and that goes on from its checkpoints; what is finished, waits or runs is left alone.
"""
EXAMPLE = """
A sweep file, of which only the grid is needed:

  config: small.yaml                # what all members start from, seen from this file
  data: my_videos/videos            # short for DATA.ROOT
  options: {OPTIM.EPOCHS: 20}       # of all members
  grid:                             # every combination of these is a member
    MODEL.BACKBONE: [r3d, c3d]
    VIEWS: [[rgb, residual], [rgb, rgb]]
    SEED: [0, 1, 2]                 # the table has means over the seeds, too
  evaluate:                         # what follows on each training, in this order
    retrieve: {gallery: train.txt, query: test.txt, options: {EVAL.NUM_CLIPS: 2}}
    probe: {gallery: train.txt, query: test.txt}
    finetune: {train: train.txt, test: test.txt, options: {OPTIM.EPOCHS: 30}}
  job: {preset: one_gpu, time: 4:00:00}   # a preset, or any of the options above, as with nodes: 2
  at_most: 4                        # members that run at once
  retries: 1                        # how often one that broke down is requeued

Two evaluations with the same command have names of their own: hmdb51: {command: retrieve, data: ..., query: ...}
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "sweep",
        help="run a grid of pre-trainings with their evaluations as one job array, and collect one table",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EXAMPLE,
    )
    parser.add_argument("file", metavar="FILE", help="YAML file that describes the sweep, see below")
    parser.add_argument("--table", action="store_true", help="submit nothing, only bring the table up to date")
    add_job_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Submit what is left to do, and print the table."""
    from iic_ptv.launch.sweep.command import sweep_command

    given = {name.removeprefix(PREFIX): value for name, value in vars(options).items() if name.startswith(PREFIX)}
    preset, dry_run, fields = request_parts(given)
    sweep_command(options.file, preset, fields, dry_run, options.table)
