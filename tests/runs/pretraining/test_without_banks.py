"""Losses without memory banks in whole runs: stopped and resumed, evaluated, and with options that they do not know."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch
from torch import nn

from iic_ptv.config import load_config
from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.procedural import write_videos
from iic_ptv.errors import InputError, RunInterrupted
from iic_ptv.losses import InBatchLoss, InterIntraNCELoss, QueueLoss
from iic_ptv.registry import TASKS, VIEWS
from iic_ptv.runs.build import build_task
from iic_ptv.runs.checkpoint import read_checkpoint
from iic_ptv.runs.evaluation.retrieve import retrieve
from iic_ptv.runs.evaluation.sources import evaluation_indices
from iic_ptv.runs.pretraining.pretrain import pretrain
from iic_ptv.tasks.iic import IICTask
from iic_ptv.tasks.momentum import MomentumIICTask

SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("MODEL.OPTIONS.width", "0.0625", "OPTIM.BATCH_SIZE", "4", "OPTIM.EPOCHS", "2", "OPTIM.LR", "0.1"),
    *("TRAINER.ACCELERATOR", "cpu", "TRAINER.LOG_EVERY", "1", "TRAINER.PRECISION", "32-true", "MODEL.HEAD", "[16, 8]"),
]
IN_BATCH = ["LOSS.NAME", "in_batch"]
QUEUE = ["LOSS.NAME", "queue", "LOSS.NUM_NEGATIVES", "6", "MODEL.KEY_MOMENTUM", "0.9"]
STEPS_PER_EPOCH = 3  # 12 videos


class StoppingView(nn.Module):
    """RGB, but pressing Ctrl-C when it has been shown a given number of batches."""

    modality_key = "video"
    batches_left = -1

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        if self.training and torch.is_grad_enabled():
            StoppingView.batches_left -= 1
            if StoppingView.batches_left == 0:
                os.kill(os.getpid(), signal.SIGINT)
        return clip


@pytest.fixture(autouse=True)
def stopping_view(monkeypatch) -> None:
    monkeypatch.setitem(VIEWS._obj_map, "stopping", StoppingView)
    monkeypatch.setattr(StoppingView, "batches_left", -1)


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    motions = ("translate_left", "translate_right", "spin_clockwise")
    return write_videos(
        folder, motions=motions, train_per_class=4, test_per_class=1, num_frames=8, size=16, progress=False
    )


def configuration(videos: Path, *more: str):
    lists = videos / "splits"
    data = ["DATA.ROOT", str(videos / "videos"), "DATA.LISTS", str(lists / "trainlist01.txt")]
    return load_config(None, [*data, "EVAL.QUERY", str(lists / "testlist01.txt"), *SMALL, *more])


def states(task: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value for name, value in task.state_dict().items() if isinstance(value, torch.Tensor)}


@pytest.mark.parametrize(
    ("options", "batch", "step"),
    [
        (IN_BATCH, 2, 2),
        (QUEUE, 1, 1),
        (QUEUE, 3, 3),
        (QUEUE, 5, 5),
        ([*QUEUE, "OPTIM.ACCUMULATE", "2", "MODEL.PER_VIEW", "True"], 4, 3),
        ([*QUEUE, "OPTIM.NAME", "adamw", "TRAINER.ACTIVATION_CHECKPOINTING", "True"], 2, 2),
    ],
)
def test_interrupted_and_resumed_ends_with_the_same_bits(videos, tmp_path, options, batch, step) -> None:
    cfg = configuration(videos, "VIEWS", "[stopping, residual]", *options)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir(), parts.mkdir()
    expected = states(pretrain(cfg, whole).task)

    StoppingView.batches_left = batch
    with pytest.raises(RunInterrupted):
        pretrain(cfg, parts)
    checkpoint = read_checkpoint(parts)
    assert checkpoint.step == step
    resumed = states(pretrain(cfg, parts, resume=checkpoint).task)
    assert expected.keys() == resumed.keys()
    for name, value in expected.items():
        assert torch.equal(value, resumed[name]), name
    assert any(name.startswith("key_networks.") for name in expected) == (options is not IN_BATCH)


@pytest.mark.parametrize("options", [IN_BATCH, QUEUE])
def test_features_are_those_of_the_trained_network(videos, tmp_path, options) -> None:
    """With the k-NN that watches the training; a checkpoint's networks are the trained ones alone."""
    cfg = configuration(videos, *options, "ONLINE_KNN.EVERY", "1", "ONLINE_KNN.NUM_CLIPS", "1", "EVAL.NUM_CLIPS", "2")
    result = pretrain(cfg, tmp_path)
    assert 0 <= result.metrics["val/knn_top1"] <= 1
    assert {"train/intra_probability", "train/inter_similarity"} <= set(result.metrics)
    (network,) = read_checkpoint(tmp_path).networks
    for name, value in result.task.network().state_dict().items():
        assert torch.equal(network[name], value), name
    retrieved = retrieve(cfg, result.task.networks, *evaluation_indices(cfg), BadVideoLog(), progress=False)
    assert set(retrieved.accuracy) == {"rgb", "residual", "joint"}


@pytest.mark.parametrize(
    ("options", "loss", "task", "name"),
    [([], InterIntraNCELoss, IICTask, "iic"), (IN_BATCH, InBatchLoss, IICTask, "iic"),
     (QUEUE, QueueLoss, MomentumIICTask, "iic_momentum")],
)  # fmt: skip
def test_the_task_is_the_one_that_the_loss_needs(videos, options, loss, task, name) -> None:
    built = build_task(configuration(videos, *options), num_videos=12, total_steps=6)
    assert type(built.loss) is loss
    assert type(built) is task is TASKS.get(name)
    assert built.loss.intra_negatives == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([*IN_BATCH, "LOSS.BANKS", "sharded"], "LOSS.BANKS: LOSS.NAME in_batch has no use for it; leave it at 'repl"),
        ([*IN_BATCH, "LOSS.NUM_NEGATIVES", "4"], "LOSS.NUM_NEGATIVES: .* leave it at 1024"),
        ([*IN_BATCH, "LOSS.FILL_BANKS", "True"], "LOSS.FILL_BANKS: LOSS.NAME in_batch"),
        ([*IN_BATCH, "MODEL.KEY_MOMENTUM", "0.99"], "MODEL.KEY_MOMENTUM: LOSS.NAME in_batch"),
        (["MODEL.KEY_MOMENTUM", "0.99"], "MODEL.KEY_MOMENTUM: LOSS.NAME inter_intra_nce"),
        ([*QUEUE, "LOSS.OBJECTIVE", "nce"], "LOSS.OBJECTIVE: LOSS.NAME queue"),
        ([*QUEUE, "LOSS.NORMALIZE", "False"], "LOSS.NORMALIZE: LOSS.NAME queue"),
        ([*QUEUE, "LOSS.FILL_BANKS", "True"], "LOSS.FILL_BANKS: LOSS.NAME queue"),
        ([*QUEUE, "LOSS.NUM_NEGATIVES", "0"], "num_negatives: the queues need room for a key"),
    ],
)
def test_options_that_a_loss_does_not_know_are_refused(videos, options, message) -> None:
    with pytest.raises(InputError, match=message):
        build_task(configuration(videos, *options), num_videos=12, total_steps=6)


def test_memory_banks_do_not_become_a_queue(videos, tmp_path) -> None:
    pretrain(configuration(videos, "OPTIM.EPOCHS", "1", "LOSS.NUM_NEGATIVES", "6"), tmp_path)
    with pytest.raises(InputError, match=r"its memory banks are \(3, 12, 8\), this run's would be None"):
        pretrain(configuration(videos, *QUEUE), tmp_path, resume=read_checkpoint(tmp_path))
