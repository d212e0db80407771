"""``iic convert``: weights of others into ours, and back."""

from __future__ import annotations

import argparse

FORMATS = ("safetensors", "pth")
REFERENCE = "reference"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "convert",
        help="turn weights of others into ours, or ours into those of IIC's authors",
        description="Read the weights in a file of IIC's authors, of torchvision (r3d_18) or of PyTorchVideo's trainer "
        "(SimCLR, MoCo v2, BYOL), or a checkpoint or weights of ours, and write them in the format that every command "
        "takes as --checkpoint, with a record of what is known of them. Code in the file is never run. What it holds "
        "beside the network is named and left out; what is not known is refused.",
    )
    parser.add_argument("file", metavar="FILE", help="the file; or the folder of a run")
    parser.add_argument("-o", "--output", metavar="FOLDER", default=".", help="where to write (default: here)")
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="of the file (default: safetensors)")
    parser.add_argument("--name", default="", help="what to call it, like r3d.iic_ucf101; by default made of FILE")
    parser.add_argument("--half", action="store_true", help="write convolutions and linear layers in float16")
    parser.add_argument("--architecture", metavar="NAME", help="which network it must be of; by default, what fits")
    parser.add_argument(
        "--to",
        choices=(REFERENCE,),
        help="reference: write a file that the code of IIC's authors loads, under their names (r3d, r2plus1d, c3d)",
    )
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="KEY VALUE",
        help="what the network sees, where the file does not tell: VIEWS, DATA.CLIP_LENGTH, DATA.STRIDE, "
        "DATA.FRAME_RATE, DATA.FRAME_SIZE, DATA.CROP, DATA.AUGMENTATION (strong: normalised colours)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Convert, and say what came of it."""
    from iic_ptv.runs.convert import Request, convert, convert_to_reference
    from iic_ptv.runs.converted import say_converted, say_reference

    request = Request(
        options.file,
        options.output,
        f".{options.format}",
        options.name,
        options.half,
        options.architecture,
        options.overrides,
    )
    if options.to == REFERENCE:
        say_reference(*convert_to_reference(request))
    else:
        say_converted(convert(request))
