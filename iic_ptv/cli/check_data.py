"""``iic check-data``: find out what a collection holds, and which of its videos cannot be read."""

from __future__ import annotations

import argparse
import sys

FOUND_BAD = 1  # as grep and diff do: 2 says that the command itself failed


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "check-data",
        help="find out what a collection of videos holds, and which cannot be read",
        description="Read every video of a collection, say what was found, and keep it in a manifest, by which later "
        "runs leave out the videos that cannot be read. Good videos that have not changed since the last check are "
        "not read again. Exit code 0: all videos can be read; 1: some cannot; 2: the command cannot run.",
    )
    parser.add_argument("folder", metavar="FOLDER", help="the collection; short for DATA.ROOT FOLDER")
    parser.add_argument("--config", metavar="FILE", help="YAML file that says what the collection is, as for pretrain")
    parser.add_argument(
        "--list", action="append", default=[], metavar="PATH", help="check the videos of this list only; repeatable"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="the manifest; by default where later runs look for it")
    parser.add_argument(
        "--decode",
        choices=("ends", "all", "none"),
        default="ends",
        help="frames to decode: the first and the last, which finds files that are cut off (the default), all, or none",
    )
    parser.add_argument("--sha256", action="store_true", help="compute the hash of every file, too")
    parser.add_argument("--workers", type=int, metavar="N", help="processes; by default one for each core")
    parser.add_argument(
        "--time-limit", type=float, default=60.0, metavar="S", help="seconds for a video; 0: any (default: 60)"
    )
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY VALUE", help="options, e.g. DATA.KIND ucf101 DATA.SUBSET test"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Check, and print what was found."""
    from iic_ptv.config import load_config
    from iic_ptv.data.preparation.check import check_collection
    from iic_ptv.data.preparation.manifest import manifest_path
    from iic_ptv.data.preparation.summary import collection_tables
    from iic_ptv.registry import load_plugins
    from iic_ptv.runs.build import build_index
    from iic_ptv.runs.terminal import console, say

    cfg = load_config(options.config, ["DATA.ROOT", options.folder, *options.overrides])
    load_plugins(cfg.PLUGINS)
    index = build_index(cfg, options.list or None)
    file = options.output or manifest_path(cfg.DATA.ROOT)
    manifest = check_collection(
        index,
        file,
        decode=options.decode,
        sha256=options.sha256,
        decoder=cfg.DATA.DECODER,
        num_workers=options.workers,
        time_limit=options.time_limit,
    )
    rows = list(manifest.rows.values())
    for part in collection_tables(rows):
        console.print(part)
    say(f"manifest: {file}")
    if any(row.error for row in rows):
        sys.exit(FOUND_BAD)
