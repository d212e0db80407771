"""What the commands share that make a folder out of a collection, video by video."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the collection, the folder, and how the work is done."""
    parser.add_argument("folder", metavar="FOLDER", help="the collection: videos, or folders of frames")
    parser.add_argument("output", metavar="OUTPUT", help="where to write; new, empty, or of the same options")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: one for each core)")
    parser.add_argument(
        "--time-limit", type=float, default=3600, metavar="S", help="seconds for a video; 0: any (default: 3600)"
    )
