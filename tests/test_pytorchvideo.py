"""Our parts inside PyTorchVideo's pipelines, and our task on PyTorchVideo's data set, unchanged."""

from functools import partial
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader

import iic_ptv  # noqa: F401  (lets pytorchvideo.transforms be imported)
from iic_ptv.data.collections import class_folders
from iic_ptv.losses import InterIntraNCELoss
from iic_ptv.models import r3d
from iic_ptv.tasks.iic import IICTask
from iic_ptv.transforms import CenterCrop, RandomCrop, RepeatFrame, Residual, ShuffleSegments, ToFloat, train_transform

pytorchvideo_data = pytest.importorskip("pytorchvideo.data")

NUM_VIDEOS = 9


def labeled_video_dataset(folder: Path, transform, decoder: str = "pyav"):
    return pytorchvideo_data.LabeledVideoDataset(
        labeled_video_paths=class_folders(folder).to_labeled_video_paths(),
        clip_sampler=pytorchvideo_data.make_clip_sampler("random", 0.4),
        transform=transform,
        decode_audio=False,
        decoder=decoder,
    )


@pytest.mark.parametrize("decoder", ["pyav", "decord"])
@pytest.mark.parametrize("part", [Residual(), RepeatFrame(), ShuffleSegments()], ids=lambda part: type(part).__name__)
def test_our_transforms_compose_with_theirs(video_folder: Path, part, decoder: str) -> None:
    from pytorchvideo.transforms import ApplyTransformToKey, ShortSideScale, UniformTemporalSubsample
    from torchvision.transforms import Compose, Lambda

    steps = Compose(
        [UniformTemporalSubsample(8), Lambda(lambda clip: clip / 255), ShortSideScale(24), CenterCrop(16), part]
    )
    samples = list(labeled_video_dataset(video_folder, ApplyTransformToKey("video", steps), decoder))
    assert sorted(sample["video_index"] for sample in samples) == list(range(NUM_VIDEOS))
    for sample in samples:
        assert sample["video"].shape == (3, 8, 16, 16)
        assert 0 <= sample["video"].min() <= sample["video"].max() <= 1


def test_our_pipeline_is_a_transform_of_their_samples(video_folder: Path) -> None:
    from pytorchvideo.transforms import ApplyTransformToKey, UniformTemporalSubsample
    from torchvision.transforms import Compose, Lambda

    to_bytes = ApplyTransformToKey("video", Compose([UniformTemporalSubsample(8), Lambda(lambda clip: clip.byte())]))
    dataset = labeled_video_dataset(video_folder, Compose([to_bytes, train_transform(crop=16, frame_size=(20, 24))]))
    sample = next(iter(dataset))
    assert sample["video"].shape == (3, 8, 16, 16)
    assert {"video_name", "video_index", "clip_index", "aug_index", "label"} <= sample.keys()


def test_the_task_trains_on_their_data_set_unchanged(video_folder: Path) -> None:
    from pytorchvideo.transforms import ApplyTransformToKey, UniformTemporalSubsample
    from torchvision.transforms import Compose, Lambda

    steps = Compose([UniformTemporalSubsample(8), Lambda(lambda clip: clip / 255), RandomCrop(16), ToFloat()])
    loader = DataLoader(labeled_video_dataset(video_folder, ApplyTransformToKey("video", steps)), batch_size=3)
    torch.manual_seed(0)
    loss = InterIntraNCELoss(NUM_VIDEOS, 32, num_negatives=4)
    before = loss.bank.features.clone()
    task = IICTask(r3d(width=1 / 16), loss, partial(torch.optim.SGD, lr=0.01), intra_negative=RepeatFrame())
    trainer = Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False
    )
    trainer.fit(task, loader)
    assert trainer.global_step == NUM_VIDEOS // 3
    assert (loss.bank.features != before).any(dim=-1).all()  # every row of every bank was met
