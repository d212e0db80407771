"""``iic finetune``: train a network to recognise actions, and test it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from iic_ptv.cli.job_options import add_job_options

if TYPE_CHECKING:
    from iic_ptv.runs.recognition.config import Request


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "finetune",
        help="train a network and a classifier on labelled videos, and test it",
        description="Fine-tune a pre-trained network, or train one from scratch, as the paper does: on residual "
        "frames, the epoch chosen by videos held out of the training, tested on 10 clips of each test video. Network "
        "and clips are those of the checkpoint, and so are the videos, unless others are named.",
    )
    parser.add_argument("--data", metavar="FOLDER", help="folder of the videos; short for DATA.ROOT FOLDER")
    parser.add_argument("--config", metavar="FILE", help="YAML file that changes some of the defaults")
    parser.add_argument(
        "--checkpoint",
        metavar="RUN",
        help="run folder or checkpoint of `iic pretrain` or `iic finetune`, iic://NAME of the zoo, or a file of the "
        "authors of IIC, to start from, also as https://...; without it, from scratch",
    )
    path: dict[str, Any] = {"action": "append", "default": [], "metavar": "PATH"}
    parser.add_argument(
        "--train",
        **path,
        help="what to train on: a list, or a folder of class folders; repeatable; default: all",
    )
    parser.add_argument("--test", **path, help="what to test on, likewise")
    parser.add_argument("--test-only", action="store_true", help="test the fine-tuned network of --checkpoint as it is")
    parser.add_argument("--resume", metavar="RUN", help="run folder to go on with")
    parser.add_argument("overrides", nargs="*", metavar="KEY VALUE", help="options to change, e.g. VIEWS rgb")
    add_job_options(parser, hidden=True)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Fine-tune or test, and print and write the figures."""
    from iic_ptv.runs.recognition.command import finetune_command

    finetune_command(request_of(options))


def request_of(options: argparse.Namespace) -> Request:
    """What was asked for."""
    from iic_ptv.runs.recognition.config import Request

    return Request(
        options.checkpoint,
        options.config,
        options.data,
        options.train,
        options.test,
        options.overrides,
        options.resume,
        options.test_only,
    )
