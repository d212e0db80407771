"""Pre-training without files: on scenes that are rendered where it runs, in slices, from given weights on."""

import json
from pathlib import Path

import pytest
import torch

from iic_ptv.cli.main import main
from iic_ptv.config import load_config
from iic_ptv.errors import InputError, RunInterrupted
from iic_ptv.runs.build import build_task
from iic_ptv.runs.checkpoint import read_checkpoint
from iic_ptv.runs.pretraining.pretrain import pretrain

SMALL = [
    *("DATA.KIND", "scenes", "DATA.SCENES.VIDEOS", "10", "DATA.SCENES.FRAMES", "12", "DATA.NUM_WORKERS", "0"),
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 20]", "DATA.CROP", "16", "MODEL.OPTIONS.width", "0.0625"),
    *("LOSS.NUM_NEGATIVES", "4", "LOSS.FILL_BANKS", "True", "OPTIM.BATCH_SIZE", "4", "OPTIM.EPOCHS", "2"),
    *("TRAINER.ACCELERATOR", "cpu", "TRAINER.LOG_EVERY", "1", "EVAL.NUM_CLIPS", "2"),
]


def same_state(task, other) -> bool:
    pairs = zip(task.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in pairs)


@pytest.mark.parametrize(("accumulate", "steps"), [(1, 6), (2, 4)])
def test_trained_in_slices_a_run_ends_with_the_bits_of_one_in_one_piece(tmp_path, accumulate, steps) -> None:
    whole, slices = tmp_path / "whole", tmp_path / "slices"
    whole.mkdir(), slices.mkdir()
    options = [*SMALL, "OPTIM.ACCUMULATE", str(accumulate)]
    expected = pretrain(load_config(None, options), whole).task
    cfg = load_config(None, [*options, "TRAINER.MAX_MINUTES", "1e-9", "DATA.NUM_WORKERS", "1"])  # one step each
    checkpoint = None
    for step in range(1, steps):
        with pytest.raises(RunInterrupted):
            pretrain(cfg, slices, resume=checkpoint)
        checkpoint = read_checkpoint(slices)
        assert checkpoint.step == step
    assert same_state(pretrain(cfg, slices, resume=checkpoint).task, expected)


@pytest.mark.slow
def test_the_commands_need_no_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    scenes = [*SMALL, "DATA.SCENES.VIDEOS", "60"]  # so many that a class of the queries is in the gallery
    main(["pretrain", *scenes])
    (run,) = Path("runs/pretrain").iterdir()
    main(["retrieve", "--checkpoint", str(run)])
    (retrieval,) = Path("runs/retrieve").iterdir()
    metrics = json.loads((retrieval / "metrics.json").read_text())
    assert 0 <= metrics["joint"]["map"] <= 1
    assert (retrieval / "report.html").read_text().count("data:image/") > 4  # clips to look at are rendered, too


def test_scenes_have_no_flow(tmp_path) -> None:
    with pytest.raises(InputError, match="scenes come without optical flow"):
        pretrain(load_config(None, [*SMALL, "VIEWS", "[rgb, flow_u]"]), tmp_path)


@pytest.mark.parametrize(
    "options",
    [[], ["LOSS.NAME", "queue", "LOSS.FILL_BANKS", "False"]],
    ids=["one encoder", "an encoder of keys, too"],
)
def test_given_weights_are_what_training_begins_with(tmp_path, options) -> None:
    (tmp_path / "first").mkdir()
    cfg = load_config(None, [*SMALL, "OPTIM.EPOCHS", "1", "MODEL.HEAD", "[8, 4]"])
    first = pretrain(cfg, tmp_path / "first").task
    cfg = load_config(None, [*SMALL, *options, "MODEL.WEIGHTS", str(tmp_path / "first")])
    task = build_task(cfg, 10, 100, start=read_checkpoint(cfg.MODEL.WEIGHTS))
    for encoder in task.encoders:
        assert same_state(encoder, first.networks[0])


def test_weights_of_another_network_are_refused(tmp_path) -> None:
    (tmp_path / "first").mkdir(), (tmp_path / "second").mkdir()
    pretrain(load_config(None, [*SMALL, "OPTIM.EPOCHS", "1"]), tmp_path / "first")
    cfg = load_config(None, [*SMALL, "MODEL.BACKBONE", "r2plus1d", "MODEL.WEIGHTS", str(tmp_path / "first")])
    with pytest.raises(InputError, match="its network is another one"):
        pretrain(cfg, tmp_path / "second")
