"""Watching a pre-training by k-NN: right figures, and not a bit of the training changed."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Trainer
from started_together import iic_together
from together import run_together
from torch import nn
from torch.utils.data import DataLoader

from iic_ptv.config import load_config
from iic_ptv.data.procedural import write_videos
from iic_ptv.errors import InputError
from iic_ptv.losses import InterIntraNCELoss
from iic_ptv.models import r3d
from iic_ptv.runs.build import build_task
from iic_ptv.runs.checkpoint import load_networks, read_checkpoint
from iic_ptv.runs.pretraining import pretrain as module
from iic_ptv.runs.pretraining.pretrain import pretrain
from iic_ptv.shares import own_share
from iic_ptv.tasks.iic import IICTask
from iic_ptv.tasks.online_knn import OnlineKNN
from iic_ptv.transforms import RGB, RepeatFrame, Residual


def videos(labels: list[int], clips: int = 2, offset: int = 0) -> DataLoader:
    """Videos whose brightness tells their class."""
    generator = torch.Generator().manual_seed(7 + offset)
    return DataLoader(
        [
            {
                "video": torch.rand(clips, 3, 4, 16, 16, generator=generator) * 0.1 + 0.3 * label,
                "video_name": f"{number}.mp4",
                "video_index": number,
                "label": label,
            }
            for number, label in enumerate(labels)
        ],
        batch_size=3,
    )


class Brightness(nn.Module):
    """A network whose features are the brightness of a clip and its complement."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.bn = nn.BatchNorm1d(2)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        brightness = self.weight * clip.flatten(1).mean(dim=1)
        return self.bn(torch.stack([brightness, 1 - brightness], dim=1))


def task_of(network: nn.Module, feature_dim: int) -> IICTask:
    loss = InterIntraNCELoss(6, feature_dim, num_negatives=4)
    return IICTask(network, loss, partial(torch.optim.SGD, lr=0.05), intra_negative=RepeatFrame(), seed=1)


def test_it_measures_how_many_queries_their_neighbours_tell() -> None:
    task = task_of(Brightness(), feature_dim=2)
    gallery = videos([0, 0, 1, 1, 2, 2])
    watch = OnlineKNN(lambda: gallery, lambda: videos([0, 1, 2, 2], offset=1), num_classes=3, k=2)
    assert watch.measure(task) == 1.0
    # The same brightness under other names: no query is told.
    wrong = OnlineKNN(lambda: gallery, lambda: videos([0, 1], offset=1), num_classes=3, k=2)
    wrong.query = lambda: [{**batch, "label": batch["label"] + 1} for batch in videos([0, 1], offset=1)]
    assert wrong.measure(task) == 0.0


def test_all_views_count_and_modes_are_restored() -> None:
    torch.manual_seed(0)
    task = task_of(r3d(width=1 / 16), feature_dim=32)
    task.network().layer1.eval()  # as when a part is frozen
    before = {name: module.training for name, module in task.named_modules()}
    seen = []
    task.views = nn.ModuleList([RGB(), Residual()])
    for view in task.views:
        view.register_forward_hook(lambda module, *_: seen.append(type(module).__name__))
    watch = OnlineKNN(lambda: videos([0, 1]), lambda: videos([1]), num_classes=2)
    assert 0 <= watch.measure(task) <= 1
    assert set(seen) == {"RGB", "Residual"}
    assert {name: module.training for name, module in task.named_modules()} == before


def test_it_logs_every_few_epochs() -> None:
    logged = []

    class Watched(OnlineKNN):
        def measure(self, task: IICTask) -> float:
            logged.append(task.current_epoch)
            return super().measure(task)

    watch = Watched(lambda: videos([0, 1]), lambda: videos([1, 0]), num_classes=2, every=2)
    task = task_of(r3d(width=1 / 16), feature_dim=32)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = Trainer(max_epochs=5, accelerator="cpu", callbacks=[watch], enable_model_summary=False, **quiet)
    train = [{**sample, "video": sample["video"][0]} for sample in videos([0] * 6, clips=1).dataset]
    trainer.fit(task, DataLoader(train, batch_size=3))
    assert logged == [1, 3]
    assert "val/knn_top1" in trainer.callback_metrics


SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[18, 18]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("MODEL.OPTIONS.width", "0.0625", "LOSS.NUM_NEGATIVES", "4", "TRAINER.LOG_EVERY", "1"),
    *("OPTIM.BATCH_SIZE", "4", "OPTIM.EPOCHS", "3", "TRAINER.ACCELERATOR", "cpu", "LOSS.FILL_BANKS", "True"),
]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("rendered")
    motions = ("translate_left", "spin_clockwise")
    return write_videos(
        folder, motions=motions, train_per_class=4, test_per_class=2, num_frames=8, size=18, progress=False
    )


def configuration(rendered: Path, *more: str):
    lists = ["DATA.LISTS", str(rendered / "splits/trainlist01.txt")]
    return load_config(None, ["DATA.ROOT", str(rendered / "videos"), *lists, *SMALL, *more])


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_training_that_is_watched_ends_with_the_same_bits(rendered, tmp_path, workers) -> None:
    """Weights, BatchNorm statistics, banks, optimiser and the generators of the loss, after every epoch watched."""
    query = str(rendered / "splits/testlist01.txt")
    states, rest = [], []
    for name, more in (("plain", []), ("watched", ["ONLINE_KNN.EVERY", "1", "EVAL.QUERY", query])):
        (tmp_path / name).mkdir()
        result = pretrain(configuration(rendered, *more, "DATA.NUM_WORKERS", workers), tmp_path / name)
        states.append(result.task.state_dict())
        rest.append((torch.random.get_rng_state(), result.task.trainer.optimizers[0].state_dict()["state"]))
        assert ("val/knn_top1" in result.metrics) == (name == "watched")
    assert 0 <= result.metrics["val/knn_top1"] <= 1
    assert states[0].keys() == states[1].keys()
    for key, value in states[0].items():
        assert torch.equal(value, states[1][key]) if torch.is_tensor(value) else value == states[1][key], key
    assert torch.equal(rest[0][0], rest[1][0])
    for number, moments in rest[0][1].items():
        assert torch.equal(moments["momentum_buffer"], rest[1][1][number]["momentum_buffer"])


def test_it_needs_queries_with_labels(rendered, tmp_path) -> None:
    with pytest.raises(InputError, match=r"EVAL\.QUERY"):
        pretrain(configuration(rendered, "ONLINE_KNN.EVERY", "1"), tmp_path)


class Pixels(nn.Module):
    """A network whose features are some of the pixels, less what has been their mean."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.bn = nn.BatchNorm1d(12, affine=False)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return self.bn(self.weight * clip[:, :, 0, ::8, ::8].flatten(1))


def many_videos(share: bool) -> OnlineKNN:
    """Eleven videos that vote and ten to classify, with classes that cannot be told."""
    labels = [number % 2 for number in range(11)]

    def batches(labels: list[int], offset: int) -> DataLoader:
        dataset = videos(labels, offset=offset).dataset
        for sample in dataset:
            sample["video"] = sample["video"] - 0.3 * sample["label"]
        return DataLoader(dataset, batch_size=2, sampler=own_share(range(len(dataset))) if share else None)

    return OnlineKNN(lambda: batches(labels, 0), lambda: batches(labels[:10], 1), num_classes=2, k=1)


def worn_task(rank: int) -> IICTask:
    """A task whose BatchNorm has met other videos in every process."""
    network = Pixels()
    network.bn.running_var += 30 * torch.rand(12, generator=torch.Generator().manual_seed(rank + 2)) ** 4
    return task_of(network, feature_dim=12)


def measured(rank: int) -> list[float]:
    """With videos that are shared, and with all videos in all processes."""
    return [many_videos(share).measure(worn_task(rank)) for share in (True, False)]


def test_processes_measure_together_what_the_first_would_alone(tmp_path) -> None:
    alone, *others = (many_videos(share=False).measure(worn_task(rank)) for rank in range(3))
    assert alone not in others, "statistics matter"
    assert run_together(measured, 3, tmp_path) == [[alone, alone]] * 3


@pytest.mark.slow
def test_a_training_of_several_processes_is_watched_as_it_is_saved(rendered, tmp_path) -> None:
    cfg = configuration(rendered, "ONLINE_KNN.EVERY", "3", "EVAL.QUERY", str(rendered / "splits/testlist01.txt"))
    (tmp_path / "run.yaml").write_text(cfg.dump())
    ended = iic_together("pretrain", "--config", tmp_path / "run.yaml", processes=3, folder=tmp_path / "run")
    assert not any(each.returncode for each in ended), ended
    found = json.loads((tmp_path / "run/metrics.json").read_text())["val/knn_top1"]

    task = build_task(cfg, 8, 1)
    load_networks(task.networks, read_checkpoint(tmp_path / "run"))
    (watch,) = module._online_knn(cfg, tmp_path)
    assert found == watch.measure(task)
