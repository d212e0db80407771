"""``iic sweep``: pre-trainings, by the rows of a table or by a grid, with their evaluations, and one table of all."""

from __future__ import annotations

import argparse
from pathlib import Path

from iic_ptv.cli.job_options import PREFIX, add_job_options, request_parts
from iic_ptv.errors import InputError

DESCRIPTION = """
Pre-train for every row of a table, or for every combination of some options, evaluate each, and keep one table
of all. Everything is in OUTPUT/sweep/NAME_OF_FILE. The same command again submits what failed, was lost or was
added since, and that goes on from its checkpoints; what is finished, waits or runs is left alone.
"""
EXAMPLE = """
A sweep file, of which only a grid or rows are needed:

  config: small.yaml                # what all members start from, seen from this file
  data: my_videos/videos            # short for DATA.ROOT; --data FOLDER counts for more
  options: {OPTIM.EPOCHS: 20}       # of all members
  grid:                             # every combination of these is a member
    MODEL.BACKBONE: [r3d, c3d]
    VIEWS: [[rgb, residual], [rgb, rgb]]
    SEED: [0, 1, 2]                 # the table has means over SEED and DATA.SPLIT, too
  evaluate:                         # what follows on each training, in this order
    retrieve: {gallery: train.txt, query: test.txt, options: {EVAL.NUM_CLIPS: 2}}
    probe: {gallery: train.txt, query: test.txt}
    finetune: {train: train.txt, test: test.txt, options: {OPTIM.EPOCHS: 30}}
  job: {preset: one_gpu, time: 4:00:00}   # a preset, or any of the options above, as with nodes: 2
  at_most: 4                        # members that run at once
  retries: 1                        # how often one that broke down is requeued

Two evaluations with the same command have names of their own, and can have videos of their own (--data hmdb51=FOLDER
counts for more), and a choice of figures for the table, of all views jointly or of one:

  evaluate:
    retrieve: {show: [rgb.top1, top1, top5]}
    hmdb51: {command: finetune, data: my_hmdb51, config: hmdb51.yaml}

Configurations that have names are rows, in place of a grid, or with each of its combinations. What others report of
a row stands in the table beside what is measured, in percent, and is there before anything has run:

  rows:
    random: {train: false, reported: {retrieve: {top1: 9.9}}}     # not trained, only evaluated
    CMC: cmc.yaml                                                 # short for {config: cmc.yaml}
    IIC: {config: iic.yaml, options: {OPTIM.LR: 0.02}, reported: {retrieve: {top1: 36.5, top5: 54.1}}}
  folder: iic                       # of the members: sweeps that name the same one train a row once

`--table` shows the table as it is by now; `--dry-run` what would be submitted and how long it would take: by
--clips-per-second, which `iic profile --config FILE --data FOLDER` measures, else by the speed of ended members.
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "sweep",
        help="run pre-trainings, by rows or by a grid, with their evaluations as one job array, and collect one table",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EXAMPLE,
    )
    parser.add_argument("file", metavar="FILE", help="YAML file that describes the sweep, see below")
    parser.add_argument(
        "--data",
        metavar="[EVALUATION=]FOLDER",
        action="append",
        default=[],
        help="folder of the videos, or of those of an evaluation, in place of what the file says; repeatable",
    )
    parser.add_argument(
        "--clips-per-second",
        type=float,
        metavar="N",
        help="what --dry-run reckons with: the speed of a pre-training of two views with an intra-negative",
    )
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY VALUE", help="options of all members, e.g. DATA.FLOW FOLDER"
    )
    parser.add_argument("--table", action="store_true", help="submit nothing, only bring the table up to date")
    add_job_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Submit what is left to do, and print the table."""
    from iic_ptv.launch.sweep.command import sweep_command
    from iic_ptv.launch.sweep.file import read_sweep
    from iic_ptv.launch.sweep.given import with_given

    if options.clips_per_second is not None and options.clips_per_second <= 0:
        raise InputError(f"--clips-per-second: expected more than 0, got {options.clips_per_second:g}.")
    given = {name.removeprefix(PREFIX): value for name, value in vars(options).items() if name.startswith(PREFIX)}
    preset, dry_run, fields = request_parts(given)
    file = with_given(read_sweep(Path(options.file)), options.data, options.overrides)
    sweep_command(file, preset, fields, dry_run, options.table, options.clips_per_second)
