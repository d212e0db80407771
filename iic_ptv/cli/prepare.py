"""``iic prepare``: transcode a collection once, so that random clips of it are read fast."""

from __future__ import annotations

import argparse

from iic_ptv.cli.derived_folder import add_arguments


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "prepare",
        help="transcode a collection of videos once, so that clips of it are read fast",
        description="Write every video of a collection as a small H.264 file with many keyframes and without sound, "
        "frame for frame, and copy the lists that lie beside them. Training reads OUTPUT in the place of FOLDER, with "
        "the same options. The same command completes an OUTPUT that was interrupted. Videos that cannot be read are "
        "named and left out; the exit code is 0 all the same.",
    )
    parser.add_argument(
        "--short-side", type=int, default=128, metavar="PIXELS", help="height or width; 0 keeps it (default: 128)"
    )
    parser.add_argument("--upscale", action="store_true", help="make smaller videos larger, too")
    parser.add_argument(
        "--gop", type=int, default=8, metavar="FRAMES", help="frames from keyframe to keyframe (default: 8)"
    )
    parser.add_argument(
        "--crf", type=int, default=20, metavar="Q", help="quality, from 0, lossless, to 51 (default: 20)"
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Prepare, and say what came of it."""
    import time

    from rich.filesize import decimal

    from iic_ptv.data.collections import any_folder
    from iic_ptv.data.preparation.prepare import prepare_collection
    from iic_ptv.data.preparation.summary import bad_table
    from iic_ptv.data.preparation.transcode import Encoding
    from iic_ptv.runs.terminal import console, say

    begin = time.monotonic()
    prepared = prepare_collection(
        any_folder(options.folder),
        options.folder,
        options.output,
        Encoding(options.short_side, options.upscale, options.gop, options.crf),
        num_workers=options.workers,
        time_limit=options.time_limit,
    )
    bad = sum(bool(row.error) for row in prepared.rows)
    if bad:
        console.print(bad_table(prepared.rows))
    good = len(prepared.rows) - bad
    say(f"{good} of {len(prepared.rows)} videos are in {options.output}, {good - prepared.num_kept} of them new")
    say(
        f"{decimal(prepared.bytes_before)} before, {decimal(prepared.bytes_after)} now; "
        f"{time.monotonic() - begin:.0f} s"
    )
