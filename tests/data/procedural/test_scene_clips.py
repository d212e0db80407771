"""Scenes as a collection: what a worker hands over, and what the device makes of it."""

import pytest
import torch

from iic_ptv.data.clips import ClipDataset, EvaluationClipDataset, collate
from iic_ptv.data.procedural import ACTIONS, render_scenes, scene_actions
from iic_ptv.data.procedural.scene_clips import PREFIX, RenderScenes, SceneReader, are_scenes, scene_collection
from iic_ptv.data.randomness import ClipRequest
from iic_ptv.errors import InputError
from iic_ptv.transforms import train_transform

SIZE = (20, 24)


def seeds_of(collection) -> torch.Tensor:
    return torch.tensor([int(video.path.removeprefix(PREFIX)) for video in collection])


def test_scenes_are_labelled_with_what_the_first_figure_does() -> None:
    collection = scene_collection(12, seed=1)
    assert are_scenes(collection)
    assert collection.labels.tolist() == scene_actions(seeds_of(collection)).tolist()
    assert collection.class_names == ACTIONS


def test_a_larger_collection_begins_with_the_smaller_one_and_another_seed_gives_others() -> None:
    small, large, other = scene_collection(3), scene_collection(5), scene_collection(3, seed=1)
    assert seeds_of(large)[:3].tolist() == seeds_of(small).tolist()
    assert not set(seeds_of(small).tolist()) & set(seeds_of(other).tolist())
    with pytest.raises(InputError, match=r"DATA\.SCENES\.VIDEOS"):
        scene_collection(0)


def test_the_device_renders_the_moments_that_a_worker_drew() -> None:
    clips = ClipDataset(scene_collection(4), SceneReader(clip_length=3, stride=5, num_frames=40))
    batch = collate([clips[ClipRequest(epoch=2, video_index=row)] for row in (3, 1)])
    steps = batch["times"].diff(dim=1)
    assert steps.unique().tolist() == [5.0]
    assert batch["times"].min() >= 0
    assert batch["times"].max() < 40
    rendered = RenderScenes(lambda sample: sample, SIZE)(batch)
    assert {"scene", "times"}.isdisjoint(rendered)
    expected = render_scenes(batch["scene"], batch["times"], SIZE)
    assert torch.equal(rendered["video"], expected)
    assert expected.shape == (2, 3, 3, *SIZE)


def test_two_clips_of_a_scene_are_two_lists_of_moments() -> None:
    clips = ClipDataset(scene_collection(2), SceneReader(clip_length=2), clips_per_video=2)
    batch = RenderScenes(train_transform(16, SIZE), SIZE)(collate([clips[0], clips[1]]))
    first, second = batch["video"]
    assert first.shape == second.shape == (2, 3, 2, 16, 16)
    assert not torch.equal(first, second)


def test_videos_to_evaluate_on_have_all_their_clips() -> None:
    videos = EvaluationClipDataset(scene_collection(2), SceneReader(clip_length=2, num_frames=10), num_clips=3)
    batch = RenderScenes(lambda sample: sample, SIZE)(videos.collate([videos[0], videos[1]]))
    assert batch["video"].shape == (2, 3, 3, 2, *SIZE)
    times = torch.tensor([0.0, 1.0])
    assert torch.equal(batch["video"][1, 0], render_scenes(seeds_of(videos.index)[1:], times, SIZE)[0])


def test_looks_may_be_few() -> None:
    scene = torch.tensor([7, 7 + 2**20])
    batch = {"scene": scene, "times": torch.arange(2.0).expand(2, -1)}
    rendered = RenderScenes(lambda sample: sample, SIZE, appearances=1)(batch)["video"]
    assert torch.equal(rendered, render_scenes(scene, batch["times"], SIZE, appearances=1))


def test_a_clip_must_fit_into_a_scene() -> None:
    SceneReader(clip_length=4, stride=3, num_frames=10)
    with pytest.raises(InputError, match=r"need 10 frames"):
        SceneReader(clip_length=4, stride=3, num_frames=9)
