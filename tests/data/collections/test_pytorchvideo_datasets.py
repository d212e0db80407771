"""PyTorchVideo's own constructors of data sets: their rows and labels become ours."""

from pathlib import Path

import pytest
import torch
from made_files import write

import iic_ptv  # noqa: F401  (lets pytorchvideo.transforms be imported)
from iic_ptv.data.collections import class_folders
from iic_ptv.data.index import VideoIndex
from iic_ptv.errors import InputError

pytorchvideo_data = pytest.importorskip("pytorchvideo.data")


def options(**others):
    """Samples of every video, one clip each, in the order of the data set's own rows."""
    sampler = pytorchvideo_data.UniformClipSampler(clip_duration=0.8)
    in_order = torch.utils.data.SequentialSampler
    return {"clip_sampler": sampler, "video_sampler": in_order, "decode_audio": False, **others}


def from_folder(folder: Path, lists: Path):
    return pytorchvideo_data.Ucf101(str(folder), **options())


def from_list(folder: Path, lists: Path):
    lines = [f"walk/v_walk_g0{group}_c01.mp4 2" for group in (3, 1)] + ["run/v_run_g02_c01.mp4 1"]
    return pytorchvideo_data.Kinetics(str(write(lists / "list.txt", *lines)), **options(video_path_prefix=str(folder)))


def from_labeled_paths(folder: Path, lists: Path):
    return pytorchvideo_data.labeled_video_dataset(str(folder), **options())


def from_hmdb51_lists(folder: Path, lists: Path):
    for name in ("walk", "jump"):
        write(lists / f"{name}_test_split1.txt", *(f"v_{name}_g0{group}_c01.mp4 {group - 1}" for group in (3, 2, 1)))
    return pytorchvideo_data.Hmdb51(str(lists), **options(video_path_prefix=str(folder), split_type="train"))


@pytest.mark.parametrize("make", [from_folder, from_list, from_labeled_paths, from_hmdb51_lists])
def test_samples_agree_with_the_index(video_folder: Path, tmp_path: Path, make) -> None:
    dataset = make(video_folder, tmp_path)
    index = VideoIndex.from_labeled_video_paths(dataset)
    samples = list(dataset)
    assert [sample["video_index"] for sample in samples] == list(range(len(index)))
    for sample, video in zip(samples, index, strict=True):
        assert sample["video_name"] == video.name
        label = sample["label"]
        assert (index.class_names[video.label] if isinstance(label, str) else video.label) == label
        assert Path(video.path).is_file()
    ours = dict(zip(class_folders(video_folder).keys, class_folders(video_folder), strict=True))
    assert all(ours[video.key].path == video.path for video in index)


def test_names_of_classes_are_numbered_and_kept(video_folder: Path, tmp_path: Path) -> None:
    dataset = from_hmdb51_lists(video_folder, tmp_path)
    index = VideoIndex.from_labeled_video_paths(dataset)
    assert index.class_names == ("jump", "walk")
    assert [(video.key, video.label) for video in index] == [("jump/v_jump_g02_c01", 0), ("walk/v_walk_g02_c01", 1)]
    assert VideoIndex.from_labeled_video_paths(dataset, ["walk", "jump"]).labels.tolist() == [1, 0]
    with pytest.raises(InputError, match=r"v_walk_g02_c01\.mp4: its label 'walk' is not among the classes run, jump"):
        VideoIndex.from_labeled_video_paths(dataset, ["run", "jump"])


def test_labeled_video_paths_are_taken(video_folder: Path) -> None:
    from pytorchvideo.data.labeled_video_paths import LabeledVideoPaths

    paths = LabeledVideoPaths.from_path(str(video_folder))
    index = VideoIndex.from_labeled_video_paths(paths, ["jump", "run", "walk"])
    assert sorted(index.paths) == class_folders(video_folder).paths
    assert [(path, info["label"]) for path, info in paths] == [(video.path, video.label) for video in index]


def test_our_rows_are_taken_by_their_data_set(video_folder: Path) -> None:
    index = class_folders(video_folder)
    dataset = pytorchvideo_data.LabeledVideoDataset(index[::-1].to_labeled_video_paths(), **options())
    samples = list(dataset)
    assert [sample["video_index"] for sample in samples] == list(range(9))
    assert [sample["label"] for sample in samples] == [2, 2, 2, 1, 1, 1, 0, 0, 0]
    assert [sample["video_name"] for sample in samples] == [video.name for video in reversed(index)]
    assert VideoIndex.from_labeled_video_paths(dataset, index.class_names) == index[::-1]


def test_our_data_set_makes_the_same_samples(video_folder: Path, tmp_path: Path) -> None:
    from iic_ptv.data.clip_reader import ClipReader
    from iic_ptv.data.clips import ClipDataset

    theirs = from_hmdb51_lists(video_folder, tmp_path)
    ours = ClipDataset(VideoIndex.from_labeled_video_paths(theirs), ClipReader(clip_length=4))
    for sample in theirs:
        own = ours[sample["video_index"]]
        assert (own["video_index"], own["video_name"]) == (sample["video_index"], sample["video_name"])
        assert ours.index.class_names[own["label"]] == sample["label"]
