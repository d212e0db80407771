"""``iic render``: write procedural videos whose class is the motion."""

from __future__ import annotations

import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command to ``iic``."""
    parser = subparsers.add_parser(
        "render",
        help="write procedural videos whose class is the motion",
        description="Write a folder of MP4 files with lists in UCF101's format, in which the class of a video is how "
        "its shape moves, and nothing else. A folder that was interrupted is completed by the same command.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("folder", metavar="FOLDER", help="where to write; new, empty, or of the same options")
    parser.add_argument("--train-per-class", type=int, default=40, metavar="N", help="training videos of each motion")
    parser.add_argument("--test-per-class", type=int, default=12, metavar="N", help="test videos of each motion")
    parser.add_argument("--motions", default="all", metavar="A,B,...", help="the classes; a wrong name lists them")
    parser.add_argument("--frames", type=int, default=32, metavar="N", help="frames per video")
    parser.add_argument("--size", type=int, default=64, metavar="PIXELS", help="height and width")
    parser.add_argument("--frame-rate", type=int, default=16, metavar="FPS", help="frames per second")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other videos")
    parser.add_argument(
        "--appearances", type=int, default=0, metavar="N", help="how many looks there are; 0: as many as videos"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Render as the options say."""
    from iic_ptv.data.procedural import MOTIONS, write_videos

    chosen = [motion.strip() for motion in args.motions.split(",") if motion.strip()]
    folder = write_videos(
        args.folder,
        motions=MOTIONS if chosen == ["all"] else chosen,
        train_per_class=args.train_per_class,
        test_per_class=args.test_per_class,
        num_frames=args.frames,
        size=args.size,
        frame_rate=args.frame_rate,
        seed=args.seed,
        appearances=args.appearances or None,
    )
    print(f"Videos: {folder / 'videos'}\nLists:  {folder / 'splits'}")
