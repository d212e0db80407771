"""Hydra's configurations in the manner of PyTorchVideo's trainer: composed, built, and trained with plain Lightning."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_module
from hydra.errors import ConfigCompositionException
from hydra.utils import instantiate
from knn_memory import KnnMemory
from lightning.pytorch import Trainer
from omegaconf import DictConfig
from torch.utils.data import DataLoader
from torchvision.transforms import Compose

import iic_ptv.hydra
from iic_ptv.data.collections import class_folders
from iic_ptv.losses import InterIntraNCELoss
from iic_ptv.models.backbone import Backbone
from iic_ptv.tasks.iic import IICTask
from iic_ptv.transforms import RepeatFrame, ShuffleSegments

pytorchvideo_data = pytest.importorskip("pytorchvideo.data")

NUM_VIDEOS = 9
CONF = Path(iic_ptv.hydra.__file__).parent / "conf"
SMALL = [
    *("module.model.width=0.0625", "module.loss.feature_dim=32", "module.loss.num_negatives=4"),
    f"module.loss.num_videos={NUM_VIDEOS}",
    *(
        f"datamodule.transforms.{phase}.0.steps.video.{step}"
        for phase in ("train", "val")
        for step in ("0.num_samples=4", "2.size=[18,20]", "3.size=16")
    ),
]
MEMORY = ["+module.knn_memory._target_=knn_memory.KnnMemory", "module/metrics=accuracy"] + [
    f"+module.knn_memory.{option}" for option in ("length=3", "dim=32", "downstream_classes=5", "knn_k=3")
]


def composed(*overrides: str) -> DictConfig:
    with initialize_config_module("iic_ptv.hydra.conf", version_base=None):
        return compose("iic", overrides=[*SMALL, *overrides])


def videos(folder: Path, cfg: DictConfig, phase: str, sampler: tuple) -> DataLoader:
    dataset = pytorchvideo_data.LabeledVideoDataset(
        labeled_video_paths=class_folders(folder).to_labeled_video_paths(),
        clip_sampler=pytorchvideo_data.make_clip_sampler(*sampler),
        transform=Compose(instantiate(cfg.datamodule.transforms[phase])),
        decode_audio=False,
    )
    return DataLoader(dataset, batch_size=3)


def trainer(**options) -> Trainer:
    return Trainer(
        accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, **options,
    )  # fmt: skip


def options_of(group: str) -> list[str]:
    return sorted(f"{group}={path.stem}" for path in (CONF / group).glob("*.yaml"))


def test_a_composed_configuration_is_the_papers_task() -> None:
    task = instantiate(composed().module)
    assert isinstance(task, IICTask)
    assert isinstance(task.network(), Backbone)
    assert isinstance(task.loss, InterIntraNCELoss)
    assert [type(each) for each in task.intra_negatives] == [RepeatFrame]
    optimizer = task.configure_optimizers()
    assert optimizer["optimizer"].defaults["lr"] == 0.01
    assert optimizer["lr_scheduler"].gamma == 0.2


@pytest.mark.parametrize("sampler", [("random", 0.4), ("random_multi", 0.4, 2)], ids=["one clip", "a list of clips"])
def test_it_trains_on_their_data_set_with_plain_lightning(video_folder: Path, sampler: tuple) -> None:
    cfg = composed("module/intra_negative=shuffle")
    torch.manual_seed(0)
    task = instantiate(cfg.module)
    assert isinstance(task.intra_negatives[0], ShuffleSegments)
    before = task.loss.bank.features.clone()
    weights = [each.clone() for each in task.networks.parameters()]
    fitter = trainer(max_steps=2)
    fitter.fit(task, videos(video_folder, cfg, "train", sampler))
    assert fitter.global_step == 2
    assert all((new != old).any() for new, old in zip(task.networks.parameters(), weights, strict=True))
    assert (task.loss.bank.features != before).any(dim=-1).sum(dim=1).eq(6).all()  # two batches of three rows


def test_their_memory_of_neighbours_is_kept_and_classifies(video_folder: Path) -> None:
    cfg = composed(*MEMORY)
    task = instantiate(cfg.module)
    assert isinstance(task.knn_memory, KnnMemory)
    train = videos(video_folder, cfg, "train", ("random", 0.4))
    fitter = trainer(max_epochs=1)
    fitter.fit(task, train, videos(video_folder, cfg, "val", ("uniform", 0.4)))
    assert task.knn_memory.train_labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert task.knn_memory.memory.norm(dim=1).allclose(torch.ones(NUM_VIDEOS))  # every video's features were kept
    accuracy = fitter.callback_metrics
    assert {"val/accuracy_top1", "val/accuracy_top5"} <= accuracy.keys()
    assert 0 <= accuracy["val/accuracy_top1"] <= accuracy["val/accuracy_top5"] == 1


@pytest.mark.parametrize(
    "override", [*options_of("module/loss"), *options_of("module/intra_negative"), *options_of("module/optim")]
)
def test_every_option_can_be_built(override: str) -> None:
    assert isinstance(instantiate(composed(override).module), IICTask)


@pytest.mark.parametrize("option", options_of("module/model"))
def test_every_model_can_be_named(option: str) -> None:
    with initialize_config_module("iic_ptv.hydra.conf", version_base=None):
        cfg = compose("iic", overrides=[option, "module.loss.num_videos=2"])
    model = instantiate({**cfg.module.model, "_partial_": True})
    inspect.signature(model.func).bind(**model.keywords)


def test_a_misspelt_argument_is_told_by_the_schema() -> None:
    with pytest.raises(ConfigCompositionException, match="intra_negatives"):
        composed("module.intra_negatives=null")


def test_without_hydra_the_way_to_it_is_told() -> None:
    code = "import sys; sys.modules['hydra'] = None\nimport iic_ptv.hydra"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'InputError: iic_ptv.hydra: Hydra is not installed; pip install "iic-ptv[hydra]".' in result.stderr
