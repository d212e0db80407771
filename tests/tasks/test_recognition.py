"""The recognition task: what it computes, on small networks and random clips."""

from functools import partial

import pytest
import torch
from lightning.pytorch import Trainer
from torch import nn
from torch.utils.data import DataLoader
from torchmetrics.classification import MulticlassF1Score

from iic_ptv.errors import InputError
from iic_ptv.models import r3d
from iic_ptv.registry import BACKBONES, TASKS
from iic_ptv.tasks.recognition import RecognitionTask, accuracy_metrics
from iic_ptv.transforms import Residual
from iic_ptv.transforms.flow import FlowChannel

CLASSES = 3
SGD = partial(torch.optim.SGD, lr=0.05, momentum=0.9)
CHEAP_BACKBONES = ("r3d", "r2plus1d", "c3d", "x3d_xs")


def video(index: int, clips: int | None = None) -> dict:
    """A clip that moves to a side by its class, or several clips of a video."""
    generator = torch.Generator().manual_seed(index)
    label = index % CLASSES
    frame = torch.rand(3, 16, 16, generator=generator)
    clip = torch.stack([frame.roll((label - 1) * 2 * t, dims=2) for t in range(4)], dim=1)
    return {
        "video": clip if clips is None else torch.stack([clip.roll(n, dims=3) for n in range(clips)]),
        "flow": torch.rand(2, 4, 16, 16, generator=generator),
        "video_name": f"{index}.mp4",
        "video_index": index,
        "label": label,
    }


def loader(videos, batch_size: int = 4, clips: int | None = None) -> DataLoader:
    return DataLoader([video(index, clips) for index in videos], batch_size)


def make_task(model: nn.Module | None = None, **options) -> RecognitionTask:
    torch.manual_seed(0)
    model = model or r3d(num_classes=CLASSES, width=1 / 16)
    return RecognitionTask(model, nn.CrossEntropyLoss(), options.pop("optim", SGD), **options)


def trainer(**options) -> Trainer:
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    return Trainer(accelerator="cpu", enable_model_summary=False, **{**quiet, **options})


def test_it_is_registered() -> None:
    assert TASKS.get("recognition") is RecognitionTask


def test_a_view_stands_before_the_network() -> None:
    task = make_task(view=Residual(scaled=False)).eval()
    batch = next(iter(loader(range(4))))
    clips = batch["video"]
    assert torch.equal(task(batch), task.model(clips - clips.roll(1, dims=2)))


def test_a_view_may_read_flow_and_a_key_may_have_another_name() -> None:
    batch = next(iter(loader(range(2))))
    task = make_task(view=FlowChannel("u")).eval()
    assert torch.equal(task(batch), task.model(FlowChannel("u")(batch["flow"])))
    task = make_task(modality_key="clip").eval()
    assert torch.equal(task({"clip": batch["video"]}), task.model(batch["video"]))
    with pytest.raises(InputError, match="reads 'clip', which the batch does not have"):
        task(batch)


def test_logits_of_several_clips_are_averaged() -> None:
    task = make_task().eval()
    batch = next(iter(loader(range(3), clips=10)))
    logits = task(batch)
    assert logits.shape == (3, CLASSES)
    one_by_one = torch.stack([task.model(batch["video"][:, n]) for n in range(10)]).mean(dim=0)
    torch.testing.assert_close(logits, one_by_one)


def test_bytes_are_scaled_to_one() -> None:
    task = make_task().eval()
    clips = torch.randint(256, (2, 3, 4, 16, 16), dtype=torch.uint8)
    torch.testing.assert_close(task({"video": clips}), task.model(clips / 255))


def test_training_lowers_the_loss_and_learns_the_classes() -> None:
    task = make_task(view=Residual(scaled=False))
    train = loader(range(24))
    before = trainer().validate(task, train, verbose=False)[0]
    fit = trainer(max_epochs=12)
    fit.fit(task, train, loader(range(24, 36), clips=2))
    after = trainer().validate(task, train, verbose=False)[0]
    assert after["val/loss"] < before["val/loss"]
    assert after["val/top1"] > 0.9
    assert {"train/loss", "train/top1", "train/top5", "val/loss", "val/top1", "val/top5"} <= fit.callback_metrics.keys()


@pytest.mark.parametrize("batch_size", [1, 4, 5])
def test_measures_are_those_of_all_videos_whatever_the_batches(batch_size) -> None:
    task = make_task().eval()
    videos = [video(index, clips=3) for index in range(11)]
    logits = task(next(iter(DataLoader(videos, 11))))
    labels = torch.tensor([each["label"] for each in videos])
    found = trainer().test(task, DataLoader(videos, batch_size), verbose=False)[0]
    assert found["test/top1"] == pytest.approx((logits.argmax(dim=1) == labels).float().mean().item())
    assert found["test/top5"] == 1.0  # of three classes
    assert found["test/loss"] == pytest.approx(nn.functional.cross_entropy(logits, labels).item(), rel=1e-5)


def test_metrics_may_be_others() -> None:
    task = make_task(metrics=[MulticlassF1Score(CLASSES)])
    found = trainer().test(task, loader(range(6)), verbose=False)[0]
    assert found.keys() == {"test/MulticlassF1Score", "test/loss"}


def test_top5_is_counted_among_the_five_best() -> None:
    logits = torch.arange(7.0).repeat(7, 1)
    accuracy = accuracy_metrics(7)
    assert {name: float(value) for name, value in accuracy(logits, torch.arange(7)).items()} == {
        "top1": pytest.approx(1 / 7),
        "top5": pytest.approx(5 / 7),
    }


@pytest.mark.parametrize("optim", [SGD, partial(torch.optim.AdamW, lr=0.05)])
def test_the_backbone_may_learn_more_slowly_than_the_classifier(optim) -> None:
    task = make_task(backbone_lr=0.1, optim=optim)
    optimizer = task.configure_optimizers()
    assert [group["lr"] for group in optimizer.param_groups] == [pytest.approx(0.005), 0.05]
    backbone, classifier = ({id(each) for each in group["params"]} for group in optimizer.param_groups)
    assert classifier == {id(each) for each in task.model.classifier.parameters()}
    assert backbone | classifier == {id(each) for each in task.parameters()}


def test_a_backbone_without_learning_rate_keeps_its_weights() -> None:
    task = make_task(backbone_lr=0.0)
    before = {name: value.clone() for name, value in task.named_parameters()}
    trainer(max_epochs=1).fit(task, loader(range(8)))
    moved = {name for name, value in task.named_parameters() if not torch.equal(value, before[name])}
    assert moved == {"model.classifier.weight", "model.classifier.bias"}


def test_any_network_will_do() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 16 * 16, CLASSES))
    task = make_task(network, metrics=accuracy_metrics(CLASSES))
    trainer(max_epochs=1).fit(task, loader(range(8)))
    with pytest.raises(InputError, match="accuracy_metrics"):
        make_task(network)
    with pytest.raises(InputError, match="a part called 'classifier'"):
        make_task(network, metrics=accuracy_metrics(CLASSES), backbone_lr=0.1)


@pytest.mark.parametrize("name", CHEAP_BACKBONES)
def test_backbones_of_the_registry_train(name) -> None:
    options = {} if name.startswith("x3d") else {"width": 1 / 16}
    task = make_task(BACKBONES.get(name)(num_classes=CLASSES, **options))
    before = {key: value.clone() for key, value in task.named_parameters()}
    trainer(max_epochs=1, limit_train_batches=1).fit(task, loader(range(2), batch_size=2))
    assert all(torch.isfinite(value).all() for value in task.parameters())
    moved = {key for key, value in task.named_parameters() if not torch.equal(value, before[key])}
    assert "model.classifier.weight" in moved
    assert any(not key.startswith("model.classifier.") for key in moved)


def test_two_clips_of_a_video_are_refused_in_words() -> None:
    with pytest.raises(InputError, match=r"DATA\.CLIPS_PER_VIDEO"):
        make_task()({"video": [torch.rand(1, 3, 4, 16, 16)] * 2})


def test_class_names_are_in_checkpoints(tmp_path) -> None:
    task = make_task(class_names=["left", "still", "right"])
    fit = trainer(max_epochs=1)
    fit.fit(task, loader(range(4)))
    fit.save_checkpoint(tmp_path / "x.ckpt")
    assert torch.load(tmp_path / "x.ckpt", weights_only=True)["class_names"] == ["left", "still", "right"]
