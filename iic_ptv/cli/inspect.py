"""``iic inspect``: what the network sees of a video."""

from __future__ import annotations

import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "inspect",
        help="show what a network sees of a video: views, intra-negatives, and how similar it finds them",
        description="Draw a clip of a video as a network gets it, in every view and as every intra-negative, as a "
        "picture and as a page on which the clips play. With a checkpoint, print how similar its network finds them to "
        "each other and to another clip of the video. DATA.FLOW dis adds optical flow, which needs OpenCV.",
    )
    parser.add_argument("video", metavar="VIDEO", help="a video file")
    parser.add_argument(
        "--checkpoint", metavar="RUN", help="run folder or checkpoint, also iic://NAME of the zoo or https://..."
    )
    parser.add_argument(
        "--at", metavar="TIME", help="where the clip begins, like 12.5, 12.5s or 1:02; by default in the middle"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="the HTML page to write, with the picture beside it; by default in a folder of its own in runs/inspect",
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY VALUE", help="options to change, e.g. DATA.CLIP_LENGTH 8")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Inspect."""
    from iic_ptv.runs.inspect import inspect_command
    from iic_ptv.search.clock import parse_time

    at = None if options.at is None else parse_time(options.at)
    inspect_command(options.video, options.checkpoint, at, options.output, options.overrides)
