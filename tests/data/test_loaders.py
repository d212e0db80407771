"""Worker processes change nothing but the time it takes."""

import os
import pickle
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.clip_reader import ClipReader
from iic_ptv.data.clips import ClipDataset, EvaluationClipDataset
from iic_ptv.data.collections import class_folders
from iic_ptv.data.decoding import VideoError
from iic_ptv.data.index import VideoIndex
from iic_ptv.data.loaders import evaluation_loader, train_loader
from iic_ptv.data.samplers import EpochBatches
from iic_ptv.errors import InputError
from iic_ptv.transforms.pipelines import strong_train_transform


def batches_of_two_epochs(dataset: ClipDataset, num_workers: int, start_method: str | None = None) -> list[dict]:
    sampler = EpochBatches(len(dataset), batch_size=2, seed=dataset.seed)
    loader = train_loader(dataset, sampler, num_workers, start_method)
    batches = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        batches.extend(loader)
    return batches


def assert_equal(one: Any, two: Any) -> None:
    assert type(one) is type(two)
    if isinstance(one, dict):
        assert one.keys() == two.keys()
        for key in one:
            assert_equal(one[key], two[key])
    elif isinstance(one, list):
        assert len(one) == len(two)
        for first, second in zip(one, two, strict=True):
            assert_equal(first, second)
    else:
        assert torch.equal(one, two) if isinstance(one, Tensor) else one == two


@pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker processes")
@pytest.mark.parametrize("in_workers", [True, False])
@pytest.mark.parametrize("clips_per_video", [1, 2])
def test_batches_are_the_same_with_any_number_of_workers(
    video_folder: Path, mixed_folder: Path, clips_per_video: int, in_workers: bool
) -> None:
    videos = [*class_folders(video_folder), *class_folders(mixed_folder)]
    index = VideoIndex(tuple(videos))
    transform = strong_train_transform(crop=16, frame_size=(20, 24)) if in_workers else None
    dataset = ClipDataset(index, ClipReader(clip_length=4), transform, seed=7, clips_per_video=clips_per_video)
    alone = batches_of_two_epochs(dataset, num_workers=0)
    assert len(alone) == 2 * 8
    for num_workers in (1, 4):
        assert_equal(batches_of_two_epochs(dataset, num_workers), alone)


@pytest.mark.parametrize("start_method", ["fork", "forkserver", "spawn"])
def test_decord_reads_in_workers_whatever_way_they_start(video_folder: Path, start_method: str) -> None:
    dataset = ClipDataset(class_folders(video_folder), ClipReader(clip_length=4, decoder="decord"), seed=1)
    alone = batches_of_two_epochs(dataset, num_workers=0)  # decord has been at work here before the workers start
    assert_equal(batches_of_two_epochs(dataset, num_workers=1, start_method=start_method), alone)


def test_training_leaves_global_generators_alone(video_folder: Path) -> None:
    dataset = ClipDataset(
        class_folders(video_folder), ClipReader(), strong_train_transform(crop=16, frame_size=(20, 24))
    )
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    batches_of_two_epochs(dataset, num_workers=0)
    assert torch.equal(torch.rand(3), expected)


def test_bad_videos_of_all_workers_are_recorded(mixed_folder: Path, tmp_path: Path) -> None:
    index = class_folders(mixed_folder)
    log = BadVideoLog(tmp_path / "bad.csv", len(index), max_share=1)
    batches_of_two_epochs(ClipDataset(index, ClipReader(clip_length=4), bad_videos=log), num_workers=2)
    assert {os.path.basename(path) for path in log.read()} == {"text.mp4", "empty.mp4", "truncated.mp4", "sound.mp4"}
    assert log.summary().startswith("4 of 6 videos could not be read")


def test_a_broken_collection_ends_training_with_one_error(bad_files: dict[str, Path]) -> None:
    index = VideoIndex.from_labeled_video_paths([(str(bad_files["text"]), {}), (str(bad_files["empty"]), {})])
    loader = train_loader(ClipDataset(index), EpochBatches(2, 2), num_workers=1)
    with pytest.raises(VideoError, match="the collection looks broken"):
        next(iter(loader))
    loader._iterator._shutdown_workers()  # left to the garbage collector, it takes five seconds


@pytest.mark.parametrize("num_workers", [0, 1])
def test_too_many_bad_videos_end_the_run(mixed_folder: Path, tmp_path: Path, num_workers: int) -> None:
    index = class_folders(mixed_folder)
    log = BadVideoLog(tmp_path / "bad.csv", len(index), max_share=0.2)
    dataset = ClipDataset(index, ClipReader(clip_length=4), bad_videos=log)
    with pytest.raises(InputError, match=r"of 6 videos could not be read .* DATA.MAX_BAD_SHARE allows 20%"):
        list(train_loader(dataset, EpochBatches(6, 2), num_workers))


class Killed(ClipDataset):
    """Data whose processes are killed, as the system does when memory runs out."""

    def __getitem__(self, request: Any) -> Any:
        os.kill(os.getpid(), self.seed)


@pytest.mark.parametrize(
    ("ended_by", "message"),
    [(signal.SIGKILL, "memory ran out: use fewer of them"), (signal.SIGSEGV, r"died \(Segmentation fault\)")],
)
def test_death_of_a_worker_is_told_as_what_it_is(video_folder: Path, ended_by: signal.Signals, message: str) -> None:
    dataset = Killed(class_folders(video_folder), seed=int(ended_by))
    with pytest.raises(InputError, match=message):
        next(iter(train_loader(dataset, EpochBatches(9, 2), num_workers=1)))


class Deaf(ClipDataset):
    """Tells whether its process hears Ctrl-C."""

    def __getitem__(self, request: Any) -> Any:
        return {"deaf": signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []), "augmentation_seed": 0}


@pytest.mark.parametrize("start_method", ["fork", "forkserver"])
def test_workers_leave_ctrl_c_to_the_first_process(video_folder: Path, start_method: str) -> None:
    loader = train_loader(Deaf(class_folders(video_folder)), EpochBatches(9, 9), 1, start_method)
    assert all(next(iter(loader))["deaf"])
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_loader_counts_what_it_was_waited_for(video_folder: Path) -> None:
    loader = train_loader(ClipDataset(class_folders(video_folder)), EpochBatches(9, 2))
    batches = iter(loader)
    next(batches)
    first = loader.seconds_waited
    assert first > 0
    list(batches)
    assert loader.seconds_waited > first


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_evaluation_goes_over_all_that_can_be_read(mixed_folder: Path, num_workers: int, batch_size: int) -> None:
    dataset = EvaluationClipDataset(class_folders(mixed_folder), ClipReader(clip_length=4), num_clips=3)
    batches = list(evaluation_loader(dataset, batch_size, num_workers))
    assert [name for batch in batches for name in batch["video_name"]] == ["a_good.mp4", "z_good.mp4"]
    assert all(batch["video"].shape[1:] == (3, 3, 4, 32, 64) for batch in batches)


def test_data_sets_can_be_sent_to_processes_that_start_anew(video_folder: Path) -> None:
    dataset = ClipDataset(
        class_folders(video_folder), ClipReader(), strong_train_transform(crop=16, frame_size=(20, 24))
    )
    sent = pickle.loads(pickle.dumps(dataset))
    assert_equal(sent[3], dataset[3])
