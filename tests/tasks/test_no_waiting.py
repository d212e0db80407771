"""A training step asks the device for nothing: whoever reads a number of a tensor waits until the GPU is done."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from fvcore.common.config import CfgNode
from lightning.pytorch import Callback, LightningModule
from torch.utils._python_dispatch import TorchDispatchMode

from iic_ptv.config import load_config
from iic_ptv.data.procedural import write_videos
from iic_ptv.models import r3d
from iic_ptv.runs.build import build_bad_video_log, build_data, build_index, build_task
from iic_ptv.runs.optimisation import build_optimizer
from iic_ptv.runs.training import Training
from iic_ptv.tasks.recognition import RecognitionTask

WAITS = {
    f"aten::{name}" for name in ("_local_scalar_dense", "equal", "nonzero", "masked_select", "_unique2", "bincount")
}
OPTIONS = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("MODEL.OPTIONS.width", "0.0625", "LOSS.NUM_NEGATIVES", "4", "TRAINER.LOG_EVERY", "100"),
    *("OPTIM.BATCH_SIZE", "4", "OPTIM.EPOCHS", "2", "TRAINER.ACCELERATOR", "cpu", "TRAINER.CHECKPOINT_EVERY", "10"),
    *("TRAINER.PRECISION", "32-true"),
]
# What reads numbers by design: of indices while they are on the CPU, of what is drawn and decoded there, of the loss,
# every few seconds, and of metrics after an epoch; and one-hot codes, whose numbers are checked on the CPU alone.
ALLOWED = {"check_rows", "_next", "_get_iterator", "_tell", "update_train_epoch_metrics"}
ALLOWED |= {"_multiclass_stat_scores_update"}


class Watch(TorchDispatchMode):
    """Counts who reads numbers, by the functions that were called."""

    def __init__(self) -> None:
        super().__init__()
        self.operators = 0
        self.readers: Counter[str] = Counter()

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        self.operators += 1
        if function.name().split(".")[0] in WAITS:
            stack = traceback.extract_stack()[:-1]
            if not ALLOWED & {frame.name for frame in stack}:
                self.readers[" < ".join(frame.name for frame in reversed(stack))] += 1
        return function(*arguments, **(options or {}))


class WatchTraining(Callback):
    """Watch from the second step on, when everything has been built."""

    def __init__(self) -> None:
        self.watch = Watch()

    def on_train_batch_end(self, trainer: Any, task: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if trainer.global_step == 1 and not self.watch.operators:
            self.watch.__enter__()

    def on_train_epoch_end(self, trainer: Any, task: Any) -> None:
        if trainer.current_epoch == trainer.max_epochs - 1:
            self.watch.__exit__(None, None, None)


def watch_training(folder: Path, options: list[str], make_task: Callable[[CfgNode, int], LightningModule]) -> Watch:
    videos = write_videos(
        folder, motions=("bounce",), train_per_class=12, test_per_class=1, num_frames=8, size=16, progress=False
    )
    cfg = load_config(None, ["DATA.ROOT", str(videos / "videos"), *OPTIONS, *options])
    index = build_index(cfg)
    data = build_data(cfg, index, build_bad_video_log(cfg, folder, len(index)))
    watched = WatchTraining()
    Training(cfg, folder, "training", [watched]).fit(make_task(cfg, len(index)), data, None)
    return watched.watch


@pytest.mark.parametrize(
    "options",
    [
        ["OPTIM.CLIP_NORM", "1", "INTRA_NEGATIVE", "shuffle", "INTRA_NEGATIVE_OPTIONS.num_segments", "2"],
        ["OPTIM.NAME", "adamw", "LOSS.OBJECTIVE", "nce", "DATA.AUGMENTATION", "strong", "OPTIM.SCHEDULE", "cosine"],
        ["OPTIM.ACCUMULATE", "2", "TRAINER.ACTIVATION_CHECKPOINTING", "True", "LOSS.EXCLUDE_SELF", "True"],
        ["LOSS.NAME", "in_batch", "LOSS.NUM_NEGATIVES", "1024"],
        ["LOSS.NAME", "queue"],
        ["INTRA_NEGATIVE", "freeze,shuffle_frames+rotate", "LOSS.INTRA_GRADIENT", "True"],
    ],
    ids=["clipping", "strong", "accumulating", "in_batch", "queue", "several"],
)
def test_no_step_waits_for_the_device(tmp_path, options) -> None:
    watch = watch_training(tmp_path, options, lambda cfg, num_videos: build_task(cfg, num_videos, total_steps=8))
    assert watch.operators > 1000
    assert watch.readers == {}


def test_no_step_of_recognition_waits_for_the_device(tmp_path) -> None:
    def make_task(cfg: CfgNode, num_videos: int) -> LightningModule:
        return RecognitionTask(r3d(num_classes=2, width=1 / 16), torch.nn.CrossEntropyLoss(), build_optimizer(cfg))

    watch = watch_training(tmp_path, [], make_task)
    assert watch.operators > 1000
    assert watch.readers == {}


def test_who_reads_a_number_is_seen() -> None:
    with Watch() as watch:
        float(torch.ones(()))
    assert sum(watch.readers.values()) == 1
