"""Clips of many videos share forward passes; nothing of it is to be seen in the features, or in the memory."""

import weakref

import pytest
import torch
from torch import nn

from iic_ptv.evaluation.forward_pass import CLIPS_PER_FORWARD
from iic_ptv.evaluation.video_means import ClipQueue, VideoMeans
from iic_ptv.registry import BACKBONES


class CountingNetwork(nn.Module):
    """Its features of a clip are its means over time and space; it knows how often it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return clips.mean(dim=(2, 3, 4))


def means_of(network: nn.Module, videos: torch.Tensor, batch: int) -> torch.Tensor:
    means = VideoMeans({"view": network}, {"view": nn.Identity()})
    for some in videos.split(batch):
        means.add(some)
    return means.finish()["view"]


@pytest.mark.parametrize("clips", [1, 10, 16, 17])
@pytest.mark.parametrize("batch", [1, 3, 8])
def test_all_forward_passes_but_the_last_are_full_of_clips(clips, batch) -> None:
    network, videos = CountingNetwork(), torch.rand(9, clips, 3, 2, 4, 4)
    found = means_of(network, videos, batch)
    torch.testing.assert_close(found, videos.mean(dim=(1, 3, 4, 5)))
    assert network.calls == -(-9 * clips // CLIPS_PER_FORWARD)


@pytest.mark.parametrize("clips", [1, 10, 16, 17])
def test_features_are_the_same_to_the_bit_however_the_videos_are_batched(clips) -> None:
    torch.manual_seed(0)
    network = BACKBONES.get("r3d")(width=0.125).eval()
    videos = torch.rand(9, clips, 3, 4, 16, 16)
    first, *others = (means_of(network, videos, batch) for batch in (1, 3, 8, 9))
    assert first.shape == (9, network.feature_dim)
    assert all(torch.equal(first, other) for other in others)
    assert torch.equal(means_of(network, videos[4:6], 1), first[4:6]), "other videos are of no account"


def test_videos_of_different_numbers_and_sizes_of_clips_can_follow_each_other() -> None:
    means = VideoMeans({"view": CountingNetwork()}, {"view": nn.Identity()})
    batches = [
        torch.rand(shape) for shape in ((2, 3, 3, 2, 4, 4), (1, 20, 3, 2, 4, 4), (3, 1, 3, 2, 6, 4), (1, 5, 3, 2, 4, 4))
    ]
    for batch in batches:
        means.add(batch)
    torch.testing.assert_close(means.finish()["view"], torch.cat([batch.mean(dim=(1, 3, 4, 5)) for batch in batches]))


@pytest.mark.parametrize("size", [1, 5, 10, 16, 40, 80])
def test_less_than_a_forward_pass_waits_and_keeps_no_batch_in_memory(size) -> None:
    queue = ClipQueue()
    given, taken = [], []
    for number in range(7):
        batch = torch.full((size, 1, 1, 1, 1), float(number)) + torch.arange(size).view(-1, 1, 1, 1, 1) / size
        storage = weakref.ref(batch.untyped_storage())
        given += batch.flatten().tolist()
        for chunk in queue.add(batch):
            assert len(chunk) == CLIPS_PER_FORWARD
            taken += chunk.flatten().tolist()
        assert len(queue) < CLIPS_PER_FORWARD
        assert len(given) == len(taken) + len(queue)
        assert storage() is not None
        del batch
        assert storage() is None
    for chunk in queue.rest():
        assert len(chunk) < CLIPS_PER_FORWARD
        taken += chunk.flatten().tolist()
    assert taken == given
    assert list(queue.rest()) == []
