"""``iic flow``: write the optical flow of a collection, for the views flow_u and flow_v."""

from __future__ import annotations

import argparse

from iic_ptv.cli.derived_folder import add_arguments


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "flow",
        help="write the optical flow of a collection of videos, for the views flow_u and flow_v",
        description="Write the optical flow of every video as grey pictures OUTPUT/u/VIDEO/frame000001.jpg, ... and "
        "as many in v, the usual layout; training reads it with DATA.FLOW OUTPUT. The same command completes an "
        "OUTPUT that was interrupted. Videos that cannot be read are named and left out; the exit code is 0 all the "
        'same. Needs OpenCV: pip install "iic-ptv[flow]".',
    )
    parser.add_argument(
        "--method",
        choices=("dis", "tvl1"),
        default="dis",
        help="dis: dense inverse search, fast (the default); tvl1: dual TV-L1, the paper's, hundreds of times slower",
    )
    parser.add_argument(
        "--short-side",
        type=int,
        default=0,
        metavar="PIXELS",
        help="scale the frames to this height or width first; 0: as they are (the default)",
    )
    parser.add_argument(
        "--bound", type=float, default=20.0, metavar="PIXELS", help="greatest displacement that is kept (default: 20)"
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Compute and write, and say what came of it."""
    import time

    from iic_ptv.data.collections import any_folder
    from iic_ptv.data.flow.files import FlowSettings, write_flow
    from iic_ptv.data.preparation.summary import bad_table
    from iic_ptv.runs.terminal import console, say

    begin = time.monotonic()
    settings = FlowSettings(options.method, options.short_side, options.bound)
    written = write_flow(
        any_folder(options.folder),
        options.folder,
        options.output,
        settings,
        num_workers=options.workers,
        time_limit=options.time_limit,
    )
    good = [row for row in written.rows if not row.error]
    if len(good) < len(written.rows):
        console.print(bad_table(written.rows))
    new = len(good) - written.num_kept
    say(f"the flow of {len(good)} of {len(written.rows)} videos is in {options.output}, {new} of them new")
    say(f"{sum(row.num_frames for row in good):,} frames; {time.monotonic() - begin:.0f} s")
