"""``iic zoo``: published checkpoints: what there is, getting and checking them, publishing one's own."""

from __future__ import annotations

import argparse
import sys

FORMATS = ("pth", "safetensors")
FOUND_DAMAGED = 2

Subparsers = argparse._SubParsersAction  # of argparse, which has no public name for it


def add_parser(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command and those below it to the parser."""
    parser = subparsers.add_parser(
        "zoo",
        help="list, show, download, verify and publish checkpoints",
        description="List, show, download, verify and publish checkpoints. Commands with an option --checkpoint take "
        "them by name, as iic://NAME.",
    )
    below = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_list(below)
    _add_show(below)
    _add_download(below)
    _add_verify(below)
    _add_publish(below)


def _add_list(below: Subparsers[argparse.ArgumentParser]) -> None:
    text = "list the checkpoints, ours and those of others"
    parser = below.add_parser("list", help=text, description=f"{text.capitalize()}.")
    _add_zoo(parser)
    parser.set_defaults(run=run_list)


def _add_show(below: Subparsers[argparse.ArgumentParser]) -> None:
    text = "show all that is known of a checkpoint"
    parser = below.add_parser("show", help=text, description=f"{text.capitalize()}.")
    parser.add_argument("name", metavar="NAME", help="architecture.tag, as `iic zoo list` shows it")
    _add_zoo(parser)
    parser.set_defaults(run=run_show)


def _add_download(below: Subparsers[argparse.ArgumentParser]) -> None:
    parser = below.add_parser(
        "download",
        help="bring a checkpoint to this machine",
        description="Bring the file of a checkpoint to this machine, check its hash, and print where it is.",
    )
    parser.add_argument("name", metavar="NAME", help="architecture.tag, as `iic zoo list` shows it")
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="which file (default: pth)")
    parser.add_argument("-o", "--output", metavar="FOLDER", help="put a copy here; by default it stays in the cache")
    parser.set_defaults(run=run_download)


def _add_verify(below: Subparsers[argparse.ArgumentParser]) -> None:
    parser = below.add_parser(
        "verify",
        help="check the files that are here",
        description="Check sizes and hashes of the files that are on this machine, and whether the networks in them "
        "have of a rendered clip the features that they had. Exit code 0: all are in order; 2: one is damaged.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="checkpoints; by default all")
    _add_zoo(parser)
    parser.set_defaults(run=run_verify)


def _add_publish(below: Subparsers[argparse.ArgumentParser]) -> None:
    parser = below.add_parser(
        "publish",
        help="publish the checkpoint of a run of one's own",
        description="Write the weights of a run of `iic pretrain` or `iic finetune` in float16, a record of them with "
        "hashes and figures, the run's configuration and log, and MODEL_ZOO.md anew. No file names of this machine are "
        "published. Figures that are measured later are added by publishing again.",
    )
    parser.add_argument("checkpoint", metavar="RUN", help="the run folder, or its checkpoint")
    parser.add_argument("--tag", required=True, help="what comes after the architecture in the name, as in r3d.TAG")
    parser.add_argument("--title", default="", help="one line for tables; by default made of method and data")
    parser.add_argument("--licence", default="CC0-1.0", help="of the weights (default: CC0-1.0)")
    parser.add_argument(
        "--data",
        default="",
        metavar="TEXT",
        help="what the run was trained on (default for official data sets: their name and split)",
    )
    parser.add_argument("--data-licence", default="not stated", metavar="TEXT", help="licence of these data")
    parser.add_argument("--hardware", default="", metavar="TEXT", help="what it ran on")
    parser.add_argument(
        "--metrics",
        action="extend",
        nargs="+",
        default=[],
        metavar="RUN",
        help="run folders of `iic retrieve`, `iic probe` or `iic finetune` on this checkpoint; as RUN=TEXT, with what "
        "they measured on, where that is not other videos of the training's folder",
    )
    parser.add_argument(
        "--default", action="store_true", help="make it what pretrained=True means for its architecture"
    )
    _add_zoo(parser)
    parser.add_argument(
        "--keep-safetensors", action="store_true", help="write the weights as safetensors, too, not their hash alone"
    )
    parser.set_defaults(run=run_publish)


def _add_zoo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--zoo", metavar="FOLDER", help="the model_zoo that is meant; by default that of this package")


def run_list(options: argparse.Namespace) -> None:
    """List."""
    from iic_ptv.runs.zoo.shown import show_list
    from iic_ptv.zoo.catalogue import records

    show_list(records(options.zoo).values())


def run_show(options: argparse.Namespace) -> None:
    """Show one."""
    from iic_ptv.runs.zoo.shown import show_record
    from iic_ptv.zoo.catalogue import find_record

    show_record(find_record(options.name, options.zoo), options.zoo)


def run_download(options: argparse.Namespace) -> None:
    """Download."""
    from iic_ptv.runs.zoo.commands import download_command

    download_command(options.name, f".{options.format}", options.output)


def run_verify(options: argparse.Namespace) -> None:
    """Verify."""
    from iic_ptv.runs.zoo.commands import verify_command

    if not verify_command(options.names, options.zoo):
        sys.exit(FOUND_DAMAGED)


def run_publish(options: argparse.Namespace) -> None:
    """Publish."""
    from iic_ptv.runs.zoo.commands import publish_command
    from iic_ptv.runs.zoo.request import Request

    publish_command(
        Request(
            options.checkpoint,
            options.tag,
            options.title,
            options.licence,
            options.data,
            options.data_licence,
            options.hardware,
            options.metrics,
            options.default,
            options.zoo,
            options.keep_safetensors,
        )
    )
