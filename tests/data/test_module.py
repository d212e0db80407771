"""The data module under a real trainer: order, interruption, small collections."""

import itertools
import json
import warnings
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, OnExceptionCheckpoint

from iic_ptv.data.clip_reader import ClipReader
from iic_ptv.data.clips import ClipDataset, EvaluationClipDataset
from iic_ptv.data.collections import class_folders
from iic_ptv.data.index import VideoIndex
from iic_ptv.data.loaders import evaluation_loader
from iic_ptv.data.module import ClipDataModule
from iic_ptv.data.samplers import EpochBatches
from iic_ptv.transforms import strong_train_transform

BATCH_SIZE = 2
EPOCHS = 3


class Recorder(lightning.LightningModule):
    """Learns nothing; writes down which videos it is shown, and can save, stop or validate on the way."""

    def __init__(self, save_at: tuple[int, int] | None = None, save_to: Path | None = None, stop: bool = True) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen: list[tuple[int, int, list[int], float]] = []
        self.save_at, self.save_to, self.stop = save_at, save_to, stop

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> torch.Tensor:
        pixels = batch["video"].double().mean().item()
        self.seen.append((self.current_epoch, batch_idx, batch["video_index"].tolist(), pixels))
        return self.weight * 0

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        if (self.current_epoch, batch_idx) == self.save_at:
            self.trainer.save_checkpoint(self.save_to)
            self.trainer.should_stop = self.stop

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class ValidatedRecorder(Recorder):
    """A recorder with a validation loop, which moves the end of an epoch to another place of Lightning's."""

    def validation_step(self, batch: Any, batch_idx: int) -> None: ...


class ValidatedModule(ClipDataModule):
    def val_dataloader(self) -> list[int]:
        return [0]


def make_trainer(folder: Path, **options: Any) -> lightning.Trainer:
    return lightning.Trainer(
        **{
            "max_epochs": EPOCHS,
            "accelerator": "cpu",
            "devices": 1,
            "default_root_dir": folder,
            "logger": False,
            "enable_checkpointing": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            **options,
        }
    )


@pytest.fixture(scope="module")
def dataset(video_folder: Path) -> ClipDataset:
    return ClipDataset(class_folders(video_folder), ClipReader(clip_length=4, size=(16, 32)), seed=3)


@pytest.fixture(scope="module")
def uninterrupted(dataset: ClipDataset, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    recorder = Recorder()
    make_trainer(tmp_path_factory.mktemp("run")).fit(recorder, datamodule=ClipDataModule(dataset, BATCH_SIZE))
    return recorder.seen


pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers", "ignore:.*suggested max number of worker"
)


def test_trainer_sees_the_samplers_order(dataset: ClipDataset, uninterrupted: list[Any]) -> None:
    assert [(epoch, batch) for epoch, batch, _, _ in uninterrupted] == list(itertools.product(range(EPOCHS), range(5)))
    sampler = EpochBatches(len(dataset), BATCH_SIZE, seed=dataset.seed)
    for epoch in range(EPOCHS):
        sampler.set_epoch(epoch)
        expected = [request.video_index for batch in sampler for request in batch]
        seen = [rows for at, _, rows, _ in uninterrupted if at == epoch]
        assert list(itertools.chain(*seen)) == expected


def test_workers_change_nothing(dataset: ClipDataset, uninterrupted: list[Any], tmp_path: Path) -> None:
    recorder = Recorder()
    make_trainer(tmp_path).fit(recorder, datamodule=ClipDataModule(dataset, BATCH_SIZE, num_workers=2))
    assert recorder.seen == uninterrupted


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("save_at", [(0, 0), (1, 1), (1, 4), (2, 2)])
def test_interrupted_run_goes_on_where_it_stopped(
    dataset: ClipDataset, uninterrupted: list[Any], tmp_path: Path, save_at: tuple[int, int], num_workers: int
) -> None:
    first = Recorder(save_at, tmp_path / "stopped.ckpt")
    make_trainer(tmp_path).fit(first, datamodule=ClipDataModule(dataset, BATCH_SIZE, num_workers))
    second = Recorder()
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*not resumable")
        make_trainer(tmp_path).fit(
            second, datamodule=ClipDataModule(dataset, BATCH_SIZE, num_workers), ckpt_path=tmp_path / "stopped.ckpt"
        )
    assert first.seen + second.seen == uninterrupted
    assert len(first.seen) == 5 * save_at[0] + save_at[1] + 1


@pytest.mark.parametrize("num_workers", [0, 2])
def test_checkpoint_of_a_run_that_went_on(
    dataset: ClipDataset, uninterrupted: list[Any], tmp_path: Path, num_workers: int
) -> None:
    first = Recorder((1, 1), tmp_path / "passed.ckpt", stop=False)
    make_trainer(tmp_path).fit(first, datamodule=ClipDataModule(dataset, BATCH_SIZE, num_workers))
    second = Recorder()
    make_trainer(tmp_path).fit(
        second, datamodule=ClipDataModule(dataset, BATCH_SIZE, num_workers), ckpt_path=tmp_path / "passed.ckpt"
    )
    assert first.seen == uninterrupted
    assert second.seen == uninterrupted[7:]


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("options", [{"save_on_train_epoch_end": True}, {"save_on_train_epoch_end": False}])
def test_checkpoints_at_the_end_of_an_epoch(
    dataset: ClipDataset, uninterrupted: list[Any], tmp_path: Path, options: dict[str, bool], num_workers: int
) -> None:
    keep_all = ModelCheckpoint(tmp_path, filename="{epoch}", save_top_k=-1, **options)
    make_trainer(tmp_path, enable_checkpointing=True, callbacks=[keep_all]).fit(
        ValidatedRecorder(), datamodule=ValidatedModule(dataset, BATCH_SIZE, num_workers)
    )
    second = ValidatedRecorder()
    make_trainer(tmp_path).fit(
        second, datamodule=ValidatedModule(dataset, BATCH_SIZE, num_workers), ckpt_path=tmp_path / "epoch=0.ckpt"
    )
    assert second.seen == uninterrupted[5:]


def test_checkpoint_of_a_validation_within_an_epoch(
    dataset: ClipDataset, uninterrupted: list[Any], tmp_path: Path
) -> None:
    keep_all = ModelCheckpoint(tmp_path, filename="{step}", save_top_k=-1, save_on_train_epoch_end=False)
    options = {"val_check_interval": 2}
    make_trainer(tmp_path, enable_checkpointing=True, callbacks=[keep_all], **options).fit(
        ValidatedRecorder(), datamodule=ValidatedModule(dataset, BATCH_SIZE)
    )
    second = ValidatedRecorder()
    make_trainer(tmp_path, **options).fit(
        second, datamodule=ValidatedModule(dataset, BATCH_SIZE), ckpt_path=tmp_path / "step=7.ckpt"
    )
    assert second.seen == uninterrupted[7:]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_batch_that_failed_is_trained_on_again(
    dataset: ClipDataset, uninterrupted: list[Any], tmp_path: Path, num_workers: int
) -> None:
    class Failing(Recorder):
        def training_step(self, batch: dict[str, Any], batch_idx: int) -> torch.Tensor:
            if (self.current_epoch, batch_idx) == (1, 2):
                raise MemoryError
            return super().training_step(batch, batch_idx)

    save = OnExceptionCheckpoint(tmp_path, filename="failed")
    with pytest.raises(MemoryError):
        make_trainer(tmp_path, enable_checkpointing=True, callbacks=[save]).fit(
            Failing(), datamodule=ClipDataModule(dataset, BATCH_SIZE, num_workers)
        )
    second = Recorder()
    make_trainer(tmp_path).fit(
        second, datamodule=ClipDataModule(dataset, BATCH_SIZE, num_workers), ckpt_path=tmp_path / "failed.ckpt"
    )
    assert second.seen == uninterrupted[7:]


def test_processes_share_the_videos_and_resume_together(dataset: ClipDataset, tmp_path: Path) -> None:
    class Reporting(Recorder):
        def on_train_end(self) -> None:
            (tmp_path / f"{self.part}{self.global_rank}.json").write_text(json.dumps(self.seen))

    def run(part: str, save_at: tuple[int, int] | None = None, ckpt_path: Path | None = None) -> list[list[Any]]:
        recorder = Reporting(save_at, tmp_path / "stopped.ckpt")
        recorder.part = part
        two = make_trainer(tmp_path, strategy="ddp_fork", devices=2)
        two.fit(recorder, datamodule=ClipDataModule(dataset, BATCH_SIZE, num_workers=1), ckpt_path=ckpt_path)
        return [json.loads((tmp_path / f"{part}{rank}.json").read_text()) for rank in (0, 1)]

    whole = run("whole")
    for epoch in range(EPOCHS):
        sampler = EpochBatches(len(dataset), BATCH_SIZE, seed=dataset.seed)
        sampler.set_epoch(epoch)
        order = [request.video_index for batch in sampler for request in batch]
        for rank, seen in enumerate(whole):
            assert [row for at, _, rows, _ in seen if at == epoch for row in rows] == (order + order[:1])[rank::2]
    first, second = run("first", save_at=(1, 0)), run("second", ckpt_path=tmp_path / "stopped.ckpt")
    assert [begin + rest for begin, rest in zip(first, second, strict=True)] == whole
    assert [len(begin) for begin in first] == [4, 4]


def test_epochs_that_are_cut_short_by_the_trainer(dataset: ClipDataset, tmp_path: Path) -> None:
    whole, first, second = Recorder(), Recorder((1, 2), tmp_path / "stopped.ckpt"), Recorder()
    options = {"limit_train_batches": 3}
    make_trainer(tmp_path, **options).fit(whole, datamodule=ClipDataModule(dataset, BATCH_SIZE))
    make_trainer(tmp_path, **options).fit(first, datamodule=ClipDataModule(dataset, BATCH_SIZE))
    make_trainer(tmp_path, **options).fit(
        second, datamodule=ClipDataModule(dataset, BATCH_SIZE), ckpt_path=tmp_path / "stopped.ckpt"
    )
    assert first.seen + second.seen == whole.seen
    assert len(first.seen) == 6


def test_what_is_skipped_is_not_decoded(dataset: ClipDataset, tmp_path: Path) -> None:
    first = Recorder((0, 2), tmp_path / "stopped.ckpt")
    make_trainer(tmp_path).fit(first, datamodule=ClipDataModule(dataset, BATCH_SIZE))
    skipped = {row for _, _, rows, _ in first.seen for row in rows}
    broken = [
        video if row not in skipped else VideoIndex.from_labeled_video_paths([("gone.mp4", {})])[0]
        for row, video in enumerate(dataset.index)
    ]
    rest = ClipDataset(VideoIndex(tuple(broken)), ClipReader(clip_length=4, size=(16, 32)), seed=3)
    make_trainer(tmp_path, max_epochs=1).fit(
        Recorder(), datamodule=ClipDataModule(rest, BATCH_SIZE), ckpt_path=tmp_path / "stopped.ckpt"
    )
    assert rest.bad_videos.read() == {}


def test_collection_smaller_than_a_batch(dataset: ClipDataset, tmp_path: Path) -> None:
    recorder = Recorder()
    make_trainer(tmp_path, max_epochs=1).fit(recorder, datamodule=ClipDataModule(dataset, batch_size=16))
    assert [len(rows) for _, _, rows, _ in recorder.seen] == [9]


def test_without_a_trainer(dataset: ClipDataset) -> None:
    loader = ClipDataModule(dataset, BATCH_SIZE).train_dataloader()
    assert len(loader) == len(list(loader)) == 5


def test_batches_are_transformed_on_the_device(dataset: ClipDataset, tmp_path: Path) -> None:
    transform = strong_train_transform(crop=12, frame_size=(16, 32))
    recorder, alone = Recorder(), Recorder()
    in_workers = ClipDataset(dataset.index, dataset.reader, transform, seed=dataset.seed)
    make_trainer(tmp_path).fit(recorder, datamodule=ClipDataModule(dataset, BATCH_SIZE, transform=transform))
    make_trainer(tmp_path).fit(alone, datamodule=ClipDataModule(in_workers, BATCH_SIZE))
    for one, two in zip(recorder.seen, alone.seen, strict=True):
        assert one[:3] == two[:3]
        assert one[3] == pytest.approx(two[3], abs=1e-5)


def test_trainer_predicts_on_evaluation_batches(mixed_folder: Path, tmp_path: Path) -> None:
    class Namer(lightning.LightningModule):
        def predict_step(self, batch: dict[str, Any], batch_idx: int) -> list[str]:
            return batch["video_name"]

    loader = evaluation_loader(
        EvaluationClipDataset(class_folders(mixed_folder), ClipReader(clip_length=4), num_clips=2)
    )
    assert make_trainer(tmp_path).predict(Namer(), loader) == [["a_good.mp4"], ["z_good.mp4"]]


@pytest.mark.parametrize("batch_size", [2, 4, 9, 16])
def test_filling_meets_every_video_once(video_folder: Path, batch_size: int) -> None:
    index = class_folders(video_folder)
    batches = list(ClipDataModule(ClipDataset(index, ClipReader(clip_length=4)), batch_size).fill_dataloader())
    rows = [batch["video_index"].tolist() for batch in batches]
    assert list(itertools.chain(*rows)) == list(range(len(index)))


def test_batches_per_epoch_are_those_of_the_loader(video_folder: Path) -> None:
    index = class_folders(video_folder)
    for batch_size in (1, 2, 4, 9, 16):
        module = ClipDataModule(ClipDataset(index, ClipReader(clip_length=4)), batch_size)
        assert module.batches_per_epoch() == len(module.train_dataloader())
