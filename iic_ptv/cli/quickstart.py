"""``iic quickstart``: the main job on an embedded default."""

from __future__ import annotations

import argparse


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "quickstart",
        help="render videos, pre-train on them, search, and write a report; minutes on two cores",
        description="Render videos whose class is their motion, pre-train a small R3D with IIC and with CMC, compare "
        "both with the untrained network on held-out videos, and write metrics.json and report.html into a folder of "
        "its own in runs/quickstart. Takes minutes on two cores, no GPU, and no download.",
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY VALUE", help="options to change, e.g. SEED 1")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the main job."""
    from iic_ptv.runs.quickstart import quickstart

    quickstart(options.overrides)
