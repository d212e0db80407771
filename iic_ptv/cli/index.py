"""``iic index``: embed a folder of videos, to be searched."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from iic_ptv.cli.job_options import add_job_options

if TYPE_CHECKING:
    from iic_ptv.runs.search.index_folder import IndexRequest


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "index",
        help="embed a folder of videos, to be searched with `iic search`",
        description="Embed several clips of every video of a folder into an index. The same command brings an index "
        "up to date, with the settings that it was made with: only new and changed videos are embedded, and deleted "
        "ones vanish. A run that was killed goes on where it was. Videos that cannot be read are named in "
        "INDEX.unreadable.csv; the exit code is 0 all the same.",
    )
    parser.add_argument("folder", metavar="FOLDER", help="videos, in whatever sub-folders")
    parser.add_argument("-o", "--output", required=True, metavar="INDEX", help="the index; new, or of this folder")
    parser.add_argument(
        "--checkpoint",
        metavar="RUN",
        help="run folder or checkpoint of the network, also iic://NAME of the zoo or https://...; by default the "
        "index's own",
    )
    parser.add_argument("--untrained", action="store_true", help="take a network that has learnt nothing")
    parser.add_argument(
        "--every", type=float, metavar="S", help="seconds from one clip of a video to the next (default: 2)"
    )
    parser.add_argument("--least", type=int, metavar="N", help="clips of a video at least (default: 4)")
    parser.add_argument("--most", type=int, metavar="N", help="clips of a video at most (default: 1000)")
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY VALUE", help="options to change, e.g. EVAL.VIEWS rgb DATA.NUM_WORKERS 8"
    )
    add_job_options(parser, hidden=True)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Make the index, or bring it up to date."""
    from iic_ptv.runs.search.index_folder import index_command

    index_command(request_of(options))


def request_of(options: argparse.Namespace) -> IndexRequest:
    """What was asked for."""
    from iic_ptv.runs.search.index_folder import IndexRequest

    plan = {name: getattr(options, name) for name in ("every", "least", "most") if getattr(options, name) is not None}
    return IndexRequest(options.folder, options.output, options.checkpoint, options.untrained, plan, options.overrides)
