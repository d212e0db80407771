"""Arguments of the commands that score frozen features."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from iic_ptv.cli.job_options import add_job_options

if TYPE_CHECKING:
    from iic_ptv.runs.evaluation.evaluate import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the network, the videos and what to keep."""
    parser.add_argument(
        "--checkpoint",
        metavar="RUN",
        help="run folder or checkpoint, also iic://NAME of the zoo or https://...; without it, an untrained network",
    )
    parser.add_argument("--config", metavar="FILE", help="YAML file, on top of the configuration in the checkpoint")
    parser.add_argument("--data", metavar="FOLDER", help="folder that the paths in lists start from")
    path: dict[str, Any] = {"action": "append", "default": [], "metavar": "PATH"}
    parser.add_argument(
        "--query", **path, help="what to test with: a list, a folder of class folders, or a feature file; repeatable"
    )
    parser.add_argument("--gallery", **path, help="what to compare with, likewise; by default the training data")
    parser.add_argument(
        "--save-features", action="store_true", help="write gallery.safetensors and query.safetensors, to be used again"
    )
    add_job_options(parser, hidden=True)
    parser.add_argument("overrides", nargs="*", metavar="KEY VALUE", help="options to change, e.g. EVAL.NUM_CLIPS 4")


def request_of(options: argparse.Namespace) -> Request:
    """What was asked for."""
    from iic_ptv.runs.evaluation.evaluate import Request

    return Request(
        options.checkpoint,
        options.config,
        options.data,
        options.query,
        options.gallery,
        options.overrides,
        options.save_features,
    )
