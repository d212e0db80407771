import argparse
import json

import pytest

from iic_ptv.cli import render
from iic_ptv.errors import InputError


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("iic")
    render.add_parser(parser.add_subparsers(required=True))
    return parser


def test_options_reach_the_files(parser, tmp_path, capsys):
    folder = tmp_path / "videos"
    options = (
        "--train-per-class 2 --test-per-class 1 --motions rock,zigzag --frames 4 --size 16 --frame-rate 8 --seed 3"
    )
    args = parser.parse_args(["render", str(folder), *options.split()])
    args.run(args)
    record = json.loads((folder / "rendering.json").read_text())
    del record["renderer_version"]
    assert record == {
        "motions": ["rock", "zigzag"],
        "train_per_class": 2,
        "test_per_class": 1,
        "num_frames": 4,
        "size": [16, 16],
        "frame_rate": 8,
        "seed": 3,
        "appearances": None,
    }
    assert len(list(folder.rglob("*.mp4"))) == 6
    assert str(folder / "splits") in capsys.readouterr().out


def test_an_unknown_motion_is_an_input_error_that_lists_the_known_ones(parser, tmp_path):
    args = parser.parse_args(["render", str(tmp_path / "videos"), "--motions", "rock,jump"])
    with pytest.raises(InputError, match=r"no 'jump'.*zigzag"):
        args.run(args)
