"""The class is the motion: who sees one frame can only guess, who sees how frames differ can tell."""

import dataclasses
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from iic_ptv.data.procedural import MOTIONS, render_videos
from iic_ptv.data.procedural.counter_random import CounterRandom
from iic_ptv.data.procedural.motions import MotionParameters

TRAIN, TEST, FRAMES, SIZE = 3200, 2000, 4, 24
CHANCE = 1.0 / len(MOTIONS)
NOISE = (CHANCE * (1.0 - CHANCE) / TEST) ** 0.5  # standard deviation of a guesser's accuracy


def random_clips(number: int, seed: int) -> tuple[Tensor, Tensor]:
    """Short clips from random moments of new videos, in the order of their classes, and the classes."""
    generator = torch.Generator().manual_seed(seed)
    motions = torch.arange(number) % len(MOTIONS)
    seeds = torch.randint(2**62, (number,), generator=generator)
    times = 40.0 * torch.rand(number, 1, generator=generator) + torch.arange(FRAMES)
    batches = zip(motions.split(100), seeds.split(100), times.split(100), strict=True)
    return torch.cat([render_videos(*batch, SIZE) for batch in batches]), motions


def small_cnn_accuracy(train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor) -> float:
    """Held-out accuracy of a small convolutional network that sees images ``(N, C, H, W)`` and where a pixel is."""
    torch.manual_seed(0)
    train, test = with_coordinates(train), with_coordinates(test)
    layers: list[nn.Module] = []
    for inputs, outputs in [(train.shape[1], 32), (32, 64), (64, 64)]:
        layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, len(MOTIONS)))
    epochs, batch_size = 6, 50
    optimizer = torch.optim.AdamW(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-2, total_steps=epochs * len(train) // batch_size)
    for _ in range(epochs):
        for batch in torch.randperm(len(train)).split(batch_size):
            optimizer.zero_grad()
            functional.cross_entropy(network(train[batch]), train_labels[batch]).backward()
            optimizer.step()
            schedule.step()
    network.eval()
    with torch.inference_mode():
        return float((network(test).argmax(1) == test_labels).float().mean())


def with_coordinates(images: Tensor) -> Tensor:
    axis = torch.linspace(-1.0, 1.0, images.shape[-1])
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij")).expand(len(images), -1, -1, -1)
    return torch.cat([images - images.mean(), grid], dim=1)


def nearest_neighbour_accuracy(train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor) -> float:
    """Held-out accuracy of the vote of the 10 nearest neighbours in hand-made features of single frames."""

    def features(frames: Tensor) -> Tensor:
        contrast = (frames - frames.mean((2, 3), keepdim=True)).abs()  # where the shape is, and how large
        edges = functional.avg_pool2d(frames.diff(dim=2).abs()[..., 1:], 23)
        parts = [functional.avg_pool2d(frames, 4), 3.0 * functional.avg_pool2d(contrast, 4), 3.0 * edges]
        return torch.cat([part.flatten(1) for part in parts], dim=1)

    neighbours = torch.cdist(features(test), features(train)).topk(10, largest=False).indices
    votes = functional.one_hot(train_labels[neighbours], len(MOTIONS)).sum(1)
    return float((votes.argmax(1) == test_labels).float().mean())


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Tensors this small are slower with many threads, much slower where other processes want them, too."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def clips() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return *random_clips(TRAIN, seed=1), *random_clips(TEST, seed=2)


@pytest.mark.parametrize("classifier", [small_cnn_accuracy, nearest_neighbour_accuracy])
def test_a_classifier_of_single_frames_stays_at_chance(clips, classifier):
    train, train_labels, test, test_labels = clips
    accuracy = classifier(train[:, :, 0], train_labels, test[:, :, 0], test_labels)
    assert abs(accuracy - CHANCE) < 3.5 * NOISE


def test_the_same_classifier_tells_motions_from_the_differences_of_frames(clips):
    train, train_labels, test, test_labels = clips
    differences = [clip.diff(dim=2).flatten(1, 2) for clip in (train, test)]
    accuracy = small_cnn_accuracy(differences[0], train_labels, differences[1], test_labels)
    assert accuracy > 4.0 * CHANCE


@pytest.fixture(scope="module")
def leaky_clips() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Every motion starts in the middle of the frame, so that where a shape is found tells where it is going."""
    draw = MotionParameters.draw

    def start_in_the_middle(random: CounterRandom) -> MotionParameters:
        parameters = draw(random)
        middle, start = torch.full_like(parameters.origin, 0.5), torch.zeros_like(parameters.phase)
        return dataclasses.replace(parameters, origin=middle, phase=start)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MotionParameters, "draw", start_in_the_middle)
        return *random_clips(TRAIN, seed=1), *random_clips(TEST, seed=2)


@pytest.mark.parametrize("classifier", [small_cnn_accuracy, nearest_neighbour_accuracy])
def test_the_same_classifiers_find_a_leak_where_there_is_one(leaky_clips, classifier):
    train, train_labels, test, test_labels = leaky_clips
    assert classifier(train[:, :, 0], train_labels, test[:, :, 0], test_labels) > 3.0 * CHANCE
