"""``iic export``: a network as a file that runs without this package."""

from __future__ import annotations

import argparse
from itertools import takewhile

FORMATS = ("torchscript", "onnx", "torch.export")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "export",
        help="write a network as TorchScript, ONNX or torch.export, to run without this package",
        description="Write the feature extractor of a checkpoint, from bytes of RGB clips to features, in one file: "
        "resizing, crop, normalisation, view and network. What the file computes is compared with the network before "
        "it is put in place.",
    )
    parser.add_argument("checkpoint", metavar="RUN", help="run folder, checkpoint, or iic://NAME of the zoo")
    parser.add_argument(
        "--format", choices=FORMATS, required=True, help='of the file; onnx needs pip install "iic-ptv[onnx]"'
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="by default here, named after network and views")
    parser.add_argument(
        "--view",
        nargs="+",
        default=[],
        metavar="VIEW",
        help="what the network sees: rgb, residual or residual_unscaled, by default the first that it was trained on; "
        "features of several are concatenated",
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument(
        "--features",
        choices=("pooled", "map"),
        default="pooled",
        help="pooled: one value a channel (the default); map: the last feature map, as in the paper's retrieval",
    )
    output.add_argument("--logits", action="store_true", help="give the logits of a fine-tuned network, not features")
    parser.add_argument(
        "--input-size", nargs=2, type=int, metavar=("H", "W"), help="of the frames; by default those of the training"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    parser.add_argument("overrides", nargs="*", metavar="KEY VALUE", help="options to change, e.g. DATA.CLIP_LENGTH 8")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Export."""
    from iic_ptv.runs.export import LOGITS, Request, export_command

    # Keys that follow --view are taken for views by argparse; other than those, they are in capitals.
    views = list(takewhile(str.islower, options.view))
    overrides = [*options.view[len(views) :], *options.overrides]
    export_command(
        Request(
            options.checkpoint,
            options.format,
            options.output,
            views,
            LOGITS if options.logits else options.features,
            options.input_size,
            options.overwrite,
            overrides,
        )
    )
