"""Clips: the right frames, the same for the same request, and bad videos."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numbered_videos import FRAMES, read_numbers, write_numbered_video
from torch import Tensor

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.clip_reader import ClipReader
from iic_ptv.data.clips import ClipDataset, EvaluationClipDataset, collate
from iic_ptv.data.collections import class_folders
from iic_ptv.data.decoding import VideoError
from iic_ptv.data.index import VideoIndex
from iic_ptv.data.randomness import ClipRequest
from iic_ptv.errors import InputError
from iic_ptv.transforms import evaluation_transform, strong_train_transform, train_transform
from iic_ptv.transforms.sampling import uniform_starts

KEYS = ["video", "video_name", "video_index", "clip_index", "aug_index", "label", "augmentation_seed"]


def noisy(sample: dict[str, Any]) -> dict[str, Any]:
    """A transform that draws from all the generators that transforms draw from."""
    noise = torch.rand(()), random.random(), np.random.rand()
    return {**sample, "noise": torch.tensor(noise)}


@pytest.fixture(scope="module")
def index(video_folder: Path) -> VideoIndex:
    return class_folders(video_folder)


@pytest.fixture
def mixed(mixed_folder: Path) -> VideoIndex:
    return class_folders(mixed_folder)


def equal(one: dict[str, Any], two: dict[str, Any]) -> bool:
    return one.keys() == two.keys() and all(
        torch.equal(one[key], two[key]) if isinstance(one[key], Tensor) else one[key] == two[key] for key in one
    )


def test_sample_is_pytorchvideos(index: VideoIndex) -> None:
    sample = ClipDataset(index, ClipReader(clip_length=8))[
        ClipRequest(epoch=1, video_index=4, clip_index=2, aug_index=3)
    ]
    assert list(sample) == KEYS
    assert sample["video"].shape == (3, 8, 32, 64)
    assert sample["video"].dtype == torch.uint8
    assert sample["video_name"] == "v_run_g02_c01.mp4"
    assert [sample[key] for key in ("video_index", "clip_index", "aug_index", "label")] == [4, 2, 3, 1]


@pytest.mark.parametrize("decoder", ["auto", "decord", "pyav"])
def test_frames_are_consecutive_from_a_random_start(index: VideoIndex, decoder: str) -> None:
    dataset = ClipDataset(index, ClipReader(clip_length=4, stride=3, decoder=decoder))
    starts = set()
    for epoch in range(12):
        numbers = read_numbers(dataset[ClipRequest(epoch, video_index=2)]["video"])
        start = numbers[0] - 2 * FRAMES
        assert numbers == [numbers[0] + offset for offset in (0, 3, 6, 9)]
        assert 0 <= start <= FRAMES - 10
        starts.add(start)
    assert len(starts) > 3


def test_size_is_the_decoders(index: VideoIndex) -> None:
    sample = ClipDataset(index, ClipReader(clip_length=4, size=(24, 40)))[0]
    assert sample["video"].shape == (3, 4, 24, 40)
    assert len(read_numbers(sample["video"])) == 4


@pytest.mark.parametrize("short", ["loop", "pad"])
def test_short_videos(tmp_path: Path, short: str) -> None:
    write_numbered_video(tmp_path / "class" / "short.mp4", 3)
    for dataset in (
        ClipDataset(class_folders(tmp_path), ClipReader(clip_length=7, short=short)),
        EvaluationClipDataset(class_folders(tmp_path), ClipReader(clip_length=7, short=short), num_clips=1),
    ):
        numbers = read_numbers(dataset[0]["video"].reshape(3, 7, 32, 64))
        assert numbers == {"loop": [0, 1, 2, 0, 1, 2, 0], "pad": [0, 1, 2, 2, 2, 2, 2]}[short]


def test_sample_depends_on_seed_and_request_alone(index: VideoIndex) -> None:
    request = ClipRequest(epoch=2, video_index=3)
    sample = ClipDataset(index, ClipReader(clip_length=4), noisy)[request]
    torch.manual_seed(99)
    another = ClipDataset(index, ClipReader(clip_length=4), noisy)
    another[0], another[ClipRequest(epoch=5, video_index=3)]
    assert equal(another[request], sample)
    assert equal(another[3], another[ClipRequest(epoch=0, video_index=3)])
    for change in ({"epoch": 3}, {"clip_index": 1}, {"aug_index": 1}):
        assert not torch.equal(another[request._replace(**change)]["noise"], sample["noise"])
    assert not torch.equal(
        ClipDataset(index, ClipReader(clip_length=4), noisy, seed=1)[request]["noise"], sample["noise"]
    )


def test_augmentations_of_a_clip_are_of_the_same_frames(index: VideoIndex) -> None:
    dataset = ClipDataset(index, ClipReader(clip_length=4), noisy)
    one, two = (dataset[ClipRequest(1, 3, clip_index=0, aug_index=aug)] for aug in (0, 1))
    assert torch.equal(one["video"], two["video"])


def test_two_clips_of_a_video(index: VideoIndex) -> None:
    dataset = ClipDataset(index, ClipReader(clip_length=4), noisy, clips_per_video=2)
    starts = []
    for epoch in range(6):
        sample = dataset[ClipRequest(epoch, 5)]
        assert isinstance(sample["video"], list)
        assert [clip.shape for clip in sample["video"]] == [(3, 4, 32, 64)] * 2
        assert not torch.equal(*sample["noise"])
        assert (sample["video_index"], sample["label"]) == (5, 1)
        starts.append(tuple(read_numbers(clip)[0] for clip in sample["video"]))
    assert len({one for one, _ in starts}) > 1
    assert any(one != two for one, two in starts)


def test_evaluation_clips_cover_the_video(index: VideoIndex) -> None:
    sample = EvaluationClipDataset(index, ClipReader(clip_length=4), num_clips=5)[6]
    assert list(sample) == KEYS
    assert sample["video"].shape == (5, 3, 4, 32, 64)
    starts = [read_numbers(clip)[0] - 6 * FRAMES for clip in sample["video"]]
    assert starts == uniform_starts(FRAMES, 4, num_clips=5) == [0, 4, 8, 12, 16]
    assert all(np.diff(read_numbers(clip)).tolist() == [1, 1, 1] for clip in sample["video"])
    assert (sample["video_name"], sample["label"]) == ("v_walk_g01_c01.mp4", 2)


def test_evaluation_transforms_each_clip(index: VideoIndex) -> None:
    dataset = EvaluationClipDataset(index, ClipReader(clip_length=4), noisy, num_clips=3)
    assert dataset[0]["noise"].shape == (3, 3)
    assert len(dataset[0]["noise"].unique()) == 9
    assert equal(dataset[0], dataset[0])


def test_bad_videos_are_replaced_and_recorded(mixed: VideoIndex, mixed_folder: Path, tmp_path: Path) -> None:
    log = BadVideoLog(tmp_path / "bad.csv")
    dataset = ClipDataset(mixed, ClipReader(clip_length=4), noisy, bad_videos=log)
    good = {row: video for row, video in enumerate(mixed) if "good" in video.name}
    for row in range(len(mixed)):
        sample = dataset[ClipRequest(epoch=1, video_index=row)]
        shown = sample["video_index"]
        assert shown in good
        assert row not in good or shown == row
        assert sample["video_name"] == good[shown].name
        assert read_numbers(sample["video"])[0] // FRAMES == ("z" in good[shown].name)
        assert equal(sample, dataset[ClipRequest(epoch=1, video_index=shown)])
    bad = {Path(path).name for path in log.read()}
    assert bad == {"text.mp4", "empty.mp4", "truncated.mp4", "sound.mp4"}


def test_replacements_vary_and_are_reproducible(mixed: VideoIndex) -> None:
    row = next(row for row, video in enumerate(mixed) if video.name == "text.mp4")
    shown = [
        [ClipDataset(mixed, ClipReader(clip_length=4))[ClipRequest(epoch, row)]["video_index"] for epoch in range(12)]
        for _ in range(2)
    ]
    assert shown[0] == shown[1]
    assert len(set(shown[0])) == 2


def test_a_broken_collection_is_an_error(bad_files: dict[str, Path]) -> None:
    pairs = [(str(bad_files["text"].with_name(f"none{row}.mp4")), {}) for row in range(30)]
    dataset = ClipDataset(VideoIndex.from_labeled_video_paths(pairs))
    with pytest.raises(VideoError, match="None of 11 videos could be read; the collection looks broken") as caught:
        dataset[0]
    assert "No such file" in str(caught.value)
    with pytest.raises(VideoError, match="None of 3 videos"):
        ClipDataset(VideoIndex.from_labeled_video_paths(pairs[:3]))[0]


def test_evaluation_leaves_bad_videos_out(mixed: VideoIndex) -> None:
    log = BadVideoLog()
    dataset = EvaluationClipDataset(mixed, ClipReader(clip_length=4), num_clips=2, bad_videos=log)
    items = [dataset[row] for row in range(len(mixed))]
    batch = dataset.collate(items)
    assert batch["video"].shape == (2, 2, 3, 4, 32, 64)
    assert batch["video_name"] == ["a_good.mp4", "z_good.mp4"]
    assert [mixed[row].name for row in batch["video_index"].tolist()] == batch["video_name"]
    assert len(log.read()) == 4
    assert dataset.collate([item for item in items if isinstance(item, VideoError)]) == {}


def test_numbers_of_clips_are_checked(index: VideoIndex) -> None:
    with pytest.raises(InputError, match="number of clips must be at least 1"):
        ClipDataset(index, clips_per_video=0)
    with pytest.raises(InputError, match="number of clips must be at least 1"):
        EvaluationClipDataset(index, num_clips=0)


@pytest.mark.parametrize("clips_per_video", [1, 2])
def test_clips_are_the_same_whatever_else_is_in_the_collection(
    index: VideoIndex, mixed: VideoIndex, clips_per_video: int
) -> None:
    reader = ClipReader(clip_length=4)
    alone = ClipDataset(index, reader, noisy, seed=3, clips_per_video=clips_per_video)
    broken = [video for video in mixed if "good" not in video.name]
    among_others = ClipDataset(VideoIndex((*broken, *index)), reader, noisy, seed=3, clips_per_video=clips_per_video)
    for epoch in range(3):
        for row in range(len(index)):
            one, two = alone[ClipRequest(epoch, row)], among_others[ClipRequest(epoch, len(broken) + row)]
            two["video_index"] -= len(broken)
            assert all(
                torch.equal(first, second)
                for key in ("video", "noise")
                for first, second in zip(one[key], two[key], strict=True)
            )
            assert {key: one[key] for key in KEYS[1:]} == {key: two[key] for key in KEYS[1:]}


def test_clips_are_the_same_in_a_prepared_copy(video_folder: Path, tmp_path: Path) -> None:
    for file in video_folder.glob("*/*.mp4"):
        (tmp_path / file.parent.name).mkdir(exist_ok=True)
        (tmp_path / file.parent.name / file.with_suffix(".mov").name).symlink_to(file)
    original, copy = (ClipDataset(class_folders(root), ClipReader(clip_length=4)) for root in (video_folder, tmp_path))
    for row in range(len(original)):
        assert torch.equal(original[row]["video"], copy[row]["video"])
        assert original[row]["augmentation_seed"] == copy[row]["augmentation_seed"]


@pytest.mark.parametrize("clips_per_video", [1, 2])
@pytest.mark.parametrize("pipeline", [train_transform, strong_train_transform])
def test_transforming_a_batch_is_transforming_its_clips(index: VideoIndex, pipeline, clips_per_video: int) -> None:
    transform, reader = pipeline(crop=16, frame_size=(20, 24)), ClipReader(clip_length=4)
    bytes_alone, in_worker = (
        ClipDataset(index, reader, each, seed=5, clips_per_video=clips_per_video) for each in (None, transform)
    )
    requests = [ClipRequest(2, row) for row in range(5)]
    on_device = transform(collate([bytes_alone[request] for request in requests]))
    expected = collate([in_worker[request] for request in requests])
    assert on_device["augmentation_seed"] == expected["augmentation_seed"]
    torch.testing.assert_close(on_device["video"], expected["video"], atol=1e-4, rtol=0)


def test_our_transforms_fit(index: VideoIndex) -> None:
    for transform in (train_transform, strong_train_transform):
        sample = ClipDataset(index, ClipReader(clip_length=4), transform(crop=16, frame_size=(20, 24)))[0]
        assert sample["video"].shape == (3, 4, 16, 16)
        assert sample["video"].is_floating_point()
    evaluation = EvaluationClipDataset(
        index, ClipReader(clip_length=4), evaluation_transform(crop=16, frame_size=(20, 24))
    )
    assert evaluation[0]["video"].shape == (10, 3, 4, 16, 16)


def test_real_actions_train_and_evaluate(real_data: Path) -> None:
    index = class_folders(real_data / "real_actions" / "videos")
    for row in range(0, len(index), 60):
        assert ClipDataset(index, ClipReader(size=(32, 40)))[row]["video"].shape == (3, 16, 32, 40)
        assert EvaluationClipDataset(index, ClipReader(size=(32, 40)))[row]["video"].shape == (10, 3, 16, 32, 40)
